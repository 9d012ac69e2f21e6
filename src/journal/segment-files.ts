import { dirname, join } from 'node:path';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import type { BlockBuffer } from './block-buffer.ts';
import { NO_STREAM, RECORD_CONTINUED, segmentName } from './format.ts';
import { encodeHeader, type SegmentHeader } from './segment-header.ts';

const NO_CONTENT = new Uint8Array();

/** What every segment of a journal states in its header. */
export type JournalIdentity = Pick<
  SegmentHeader,
  'startedWallUs' | 'startedMonotonicUs' | 'recordingId' | 'nodeId'
>;

type SegmentFilesOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly identity: JournalIdentity;
  /** A new segment is begun after about this much. */
  readonly segmentBytes: number;
};

/**
 * The files of a journal that is being written: blocks go to the last one, chained by their CRCs;
 * when that is large enough the next follows. Owned by the journal's writer.
 */
export class SegmentFiles {
  readonly #options: SegmentFilesOptions;
  #file: DiskFile;
  #segment = 0;
  #position: number;
  #crc: number;
  /** Segments that are full but not synced yet. */
  readonly #retired: DiskFile[] = [];
  #next: DiskFile | undefined;
  #openingNext: Promise<void> | undefined;
  #openNextAt: number;
  #writtenBlocks = 0;
  #syncedBlocks = 0;

  private constructor(options: SegmentFilesOptions, file: DiskFile, header: Uint8Array) {
    this.#options = options;
    this.#file = file;
    this.#position = header.byteLength;
    this.#crc = headerCrc(header);
    this.#openNextAt = earlyBytes(options.segmentBytes);
  }

  /** The first segment; its header and its directory entries are durable. Rejects as the disk does. */
  static async create(options: SegmentFilesOptions): Promise<SegmentFiles> {
    const { disk, directory, identity } = options;
    const header = encodeHeader({ ...identity, segment: 0, previousCrc: 0, previousBytes: 0 });
    let file: DiskFile | undefined;
    try {
      await disk.makeDirectory(directory);
      file = await disk.open(join(directory, segmentName(0)), 'create');
      await file.write(header, 0);
      // Together: a file system serves all three with one commit of its own, and the caller waits for it.
      await Promise.all([
        file.sync(),
        disk.syncDirectory(directory),
        disk.syncDirectory(dirname(directory)),
      ]);
    } catch (error) {
      await file?.close().catch(() => undefined);
      throw error;
    }
    return new SegmentFiles(options, file, header);
  }

  /** Hands the block to the system and clears it. Throws Node's error, and keeps the block then. */
  write(block: BlockBuffer): void {
    const sealed = block.seal(this.#crc);
    this.#file.writeSync(sealed, this.#position);
    this.#position += sealed.byteLength;
    this.#crc = block.sealedCrc;
    this.#writtenBlocks += 1;
    block.clear();
  }

  /**
   * Goes over to the next segment if it is time. Throws Node's error.
   * @param block an empty one, to be used meanwhile.
   * @param timeUs of the last record, since the journal's start.
   */
  rotate(block: BlockBuffer, timeUs: number): void {
    if (this.#position < this.#openNextAt) return;
    // Creating a file waits for the disk, so the next segment is there before it is needed.
    this.#openingNext ??= this.#openNext(this.#pathOfNext());
    if (this.#next !== undefined && this.#position >= this.#options.segmentBytes) {
      this.#switchTo(this.#next, block, timeUs);
    }
  }

  /** Resolves when every block that was written before this call is on the medium. One at a time. */
  async sync(): Promise<void> {
    const blocks = this.#writtenBlocks;
    if (blocks === this.#syncedBlocks) return;
    for (let full = this.#retired[0]; full !== undefined; full = this.#retired[0]) {
      await full.sync();
      await full.close();
      this.#retired.shift();
    }
    // Not taken before the loop: the segment may have changed meanwhile, and been closed by it.
    await this.#file.sync();
    this.#syncedBlocks = blocks;
  }

  /** Cuts what a failed write left behind the last whole block. Never rejects. */
  async cutTail(): Promise<void> {
    await this.#file.truncate(this.#position).catch(() => undefined);
  }

  /** Syncs whatever can still be synced. Never rejects. */
  async trySync(): Promise<void> {
    for (const file of [...this.#retired, this.#file]) await file.sync().catch(() => undefined);
  }

  /** Closes all files, and removes a segment that was opened ahead and not used. Never rejects. */
  async close(): Promise<void> {
    await this.#openingNext;
    await this.#discardNext();
    for (const file of [...this.#retired, this.#file]) await file.close().catch(() => undefined);
  }

  async #openNext(path: string): Promise<void> {
    const { disk, directory, segmentBytes } = this.#options;
    let file: DiskFile | undefined;
    try {
      await disk.remove(path); // left by a try that failed half-way
      file = await disk.open(path, 'create');
      await disk.syncDirectory(directory);
      this.#next = file;
    } catch {
      await file?.close().catch(() => undefined);
      await disk.remove(path).catch(() => undefined);
      // The size of a segment is a wish: go on with this one, and try again a little later.
      this.#openNextAt = this.#position + segmentBytes / 8;
      this.#openingNext = undefined;
    }
  }

  /** Header first: should a write fail, the old segment can still take `ended`. */
  #switchTo(next: DiskFile, block: BlockBuffer, timeUs: number): void {
    block.append(RECORD_CONTINUED, 0, NO_STREAM, timeUs, NO_CONTENT);
    const sealed = block.seal(this.#crc);
    const header = encodeHeader({
      ...this.#options.identity,
      segment: this.#segment + 1,
      previousCrc: block.sealedCrc,
      previousBytes: this.#position + sealed.byteLength,
    });
    try {
      next.writeSync(header, 0);
      this.#file.writeSync(sealed, this.#position);
    } finally {
      block.clear();
    }
    this.#retired.push(this.#file);
    this.#file = next;
    this.#segment += 1;
    this.#position = header.byteLength;
    this.#crc = headerCrc(header);
    this.#writtenBlocks += 1;
    this.#next = undefined;
    this.#openingNext = undefined;
    this.#openNextAt = earlyBytes(this.#options.segmentBytes);
  }

  async #discardNext(): Promise<void> {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    await next.close().catch(() => undefined);
    await this.#options.disk.remove(this.#pathOfNext()).catch(() => undefined);
  }

  #pathOfNext(): string {
    return join(this.#options.directory, segmentName(this.#segment + 1));
  }
}

/** Where a segment is full enough for the next to be opened ahead. */
function earlyBytes(segmentBytes: number): number {
  return segmentBytes - segmentBytes / 8;
}

function headerCrc(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(header.byteLength - 4, true);
}
