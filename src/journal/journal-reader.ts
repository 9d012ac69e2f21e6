import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import {
  BLOCK_PREFIX_BYTES,
  MAX_BLOCK_RECORDS_BYTES,
  MAX_HEADER_BYTES,
  RECORD_PREFIX_BYTES,
  segmentName,
} from './format.ts';
import type { JournalVisitor } from './journal-visitor.ts';
import { lendReadBuffer, returnReadBuffer } from './read-buffers.ts';
import { readHeader, type HeaderDefect, type ReadHeader } from './segment-header.ts';
import { recordsFill, visitBlock } from './visit-block.ts';

/** A place in a journal: everything before it was read. */
export type JournalPosition = { readonly segment: number; readonly offsetBytes: number };

export type JournalDefect =
  HeaderDefect | 'wrong-segment' | 'block-length' | 'block-crc' | 'records';

/**
 * - `more`: the limit was reached; call again.
 * - `waiting`: all that is whole was read; while the writer lives, more may come.
 * - `ended`: the `ended` record was read; nothing follows.
 * - `damaged`: what stands at `position` is not a block of this journal. Everything before it was
 *   given. Calling again reads the place again.
 */
export type ReadProgress =
  | { readonly state: 'more' | 'waiting' | 'ended'; readonly position: JournalPosition }
  | {
      readonly state: 'damaged';
      readonly position: JournalPosition;
      readonly defect: JournalDefect;
    };

export type ReadLimits = {
  /** Stop at the next block boundary after this many bytes. Default 4 MiB. */
  readonly maxBytes?: number;
};

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads a journal record by record, also one that is being written. Holds one open file and, between
 * calls, no buffer. Owned by whoever opened it, who must call `close`.
 */
export class JournalReader {
  readonly header: ReadHeader;
  readonly #disk: Disk;
  readonly #directory: string;
  #file: DiskFile | undefined;
  #segment = 0;
  #offset: number;
  #crc: number;
  /** End of the segment that `continued` closed, while the next one is not open yet. */
  #closedSegment: { readonly bytes: number; readonly crc: number } | undefined;
  #hasEnded = false;

  private constructor(disk: Disk, directory: string, file: DiskFile, header: ReadHeader) {
    this.#disk = disk;
    this.#directory = directory;
    this.#file = file;
    this.header = header;
    this.#offset = header.headerBytes;
    this.#crc = header.crc;
  }

  /**
   * Opens a journal whose first header is there. Rejects with `journal-invalid` if there is none,
   * it is damaged, or of a later major version; with `disk-failed` if the disk does not answer.
   */
  static async open(options: {
    readonly disk: Disk;
    readonly directory: string;
  }): Promise<JournalReader> {
    const { disk, directory } = options;
    let file: DiskFile | undefined;
    try {
      file = await disk.open(join(directory, segmentName(0)), 'read');
      const bytes = new Uint8Array(MAX_HEADER_BYTES);
      const header = readHeader(bytes.subarray(0, await file.read(bytes, 0)));
      if (!header.ok) throw invalid(`${directory}: ${header.defect}`);
      if (header.value.segment !== 0) throw invalid(`${directory}: wrong-segment`);
      return new JournalReader(disk, directory, file, header.value);
    } catch (error) {
      await file?.close().catch(() => undefined);
      if (error instanceof TapedeckError) throw error;
      if (systemCode(error) === 'ENOENT') throw invalid(`${directory}: no journal`, error);
      throw new TapedeckError('disk-failed', `cannot read ${directory}`, { cause: error });
    }
  }

  /** Wall clock at the journal's start, ms since 1970. */
  get startedAtMs(): number {
    return this.header.startedWallUs / 1000;
  }

  get position(): JournalPosition {
    return { segment: this.#segment, offsetBytes: this.#offset };
  }

  /**
   * Gives whole blocks to the visitor until there is no more or the limit is reached. One call at
   * a time. Rejects with the disk's error, and can be called again after that.
   */
  async readMore(visitor: JournalVisitor, limits: ReadLimits = {}): Promise<ReadProgress> {
    const buffer = lendReadBuffer();
    try {
      return await this.#readInto(buffer, visitor, limits.maxBytes ?? DEFAULT_MAX_BYTES);
    } finally {
      returnReadBuffer(buffer);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#hasEnded = true;
    await file?.close();
  }

  async #readInto(
    buffer: Uint8Array,
    visitor: JournalVisitor,
    maxBytes: number,
  ): Promise<ReadProgress> {
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    let left = maxBytes;
    let damagedAt = -1;
    for (;;) {
      if (this.#hasEnded) return { state: 'ended', position: this.position };
      if (this.#closedSegment !== undefined) {
        const defect = await this.#openNextSegment(this.#closedSegment);
        if (defect === 'header-incomplete') return { state: 'waiting', position: this.position };
        if (defect !== undefined) return { state: 'damaged', position: this.position, defect };
      }
      if (left <= 0) return { state: 'more', position: this.position };
      const file = this.#file;
      if (file === undefined) return { state: 'ended', position: this.position };
      const filled = await file.read(buffer, this.#offset);
      const before = this.#offset;
      const defect = this.#visitBlocks(buffer, view, filled, visitor, left);
      left -= this.#offset - before;
      if (defect !== undefined) {
        // A write may have been under way; what is wrong twice is wrong.
        if (damagedAt === this.#offset) {
          return { state: 'damaged', position: this.position, defect };
        }
        damagedAt = this.#offset;
      } else if (this.#offset === before) {
        return { state: 'waiting', position: this.position };
      }
    }
  }

  /** Visits the whole blocks in the first `filled` bytes of `buffer`; a defect stops before its block. */
  #visitBlocks(
    buffer: Uint8Array,
    view: DataView,
    filled: number,
    visitor: JournalVisitor,
    left: number,
  ): JournalDefect | undefined {
    let at = 0;
    while (at + BLOCK_PREFIX_BYTES <= filled && at < left) {
      const recordsBytes = view.getUint32(at + 4, true);
      if (recordsBytes < RECORD_PREFIX_BYTES || recordsBytes > MAX_BLOCK_RECORDS_BYTES) {
        return 'block-length';
      }
      const end = at + BLOCK_PREFIX_BYTES + recordsBytes;
      if (end > filled) return undefined;
      const crc = view.getUint32(at, true);
      if (crc32(buffer.subarray(at + 4, end), this.#crc) !== crc) return 'block-crc';
      const start = at + BLOCK_PREFIX_BYTES;
      if (!recordsFill(view, start, end)) return 'records';
      const after = visitBlock(buffer, view, start, end, visitor);
      this.#offset += end - at;
      this.#crc = crc;
      at = end;
      if (after === 'end') {
        this.#hasEnded = true;
        return undefined;
      }
      if (after === 'segment') {
        this.#closedSegment = { bytes: this.#offset, crc };
        return undefined;
      }
    }
    return undefined;
  }

  /** The defect of the next segment's header; `header-incomplete` also while there is no file. */
  async #openNextSegment(closed: {
    readonly bytes: number;
    readonly crc: number;
  }): Promise<JournalDefect | undefined> {
    const index = this.#segment + 1;
    let file: DiskFile;
    try {
      file = await this.#disk.open(join(this.#directory, segmentName(index)), 'read');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return 'header-incomplete';
      throw error;
    }
    const bytes = new Uint8Array(MAX_HEADER_BYTES);
    const header = readHeader(bytes.subarray(0, await file.read(bytes, 0)));
    const defect = header.ok ? this.#defectOf(header.value, index, closed) : header.defect;
    if (!header.ok || defect !== undefined) {
      await file.close();
      return defect;
    }
    const full = this.#file;
    this.#file = file;
    this.#segment = index;
    this.#offset = header.value.headerBytes;
    this.#crc = header.value.crc;
    this.#closedSegment = undefined;
    await full?.close();
    return undefined;
  }

  #defectOf(
    header: ReadHeader,
    index: number,
    closed: { readonly bytes: number; readonly crc: number },
  ): JournalDefect | undefined {
    const fits =
      header.segment === index &&
      header.recordingId === this.header.recordingId &&
      header.previousBytes === closed.bytes &&
      header.previousCrc === closed.crc;
    return fits ? undefined : 'wrong-segment';
  }
}

function invalid(message: string, cause?: unknown): TapedeckError {
  return new TapedeckError('journal-invalid', message, { cause });
}
