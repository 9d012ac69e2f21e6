import { join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import { segmentName } from './format.ts';
import type { JournalVisitor } from './journal-visitor.ts';
import type { HeaderDefect, ReadHeader } from './segment-header.ts';
import { SegmentReader, type BlockDefect } from './segment-reader.ts';

/** A place in a journal: everything before it was read. */
export type JournalPosition = { readonly segment: number; readonly offsetBytes: number };

export type JournalDefect = HeaderDefect | 'wrong-segment' | BlockDefect;

/**
 * - `more`: the limit was reached; call again.
 * - `waiting`: all that is whole was read; while the writer lives, more may come.
 * - `ended`: the `ended` record was read; nothing follows.
 * - `damaged`: what stands at `position` (or the header of the segment after it) does not belong
 *   to this journal. Everything before it was given. Calling again reads the place again.
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
 * Reads a journal record by record, also one that is being written. Holds one open file and,
 * between calls, no buffer. Owned by whoever opened it, who must call `close`.
 */
export class JournalReader {
  /** Of the first segment. */
  readonly header: ReadHeader;
  readonly #disk: Disk;
  readonly #directory: string;
  #segment: SegmentReader;

  private constructor(disk: Disk, directory: string, first: SegmentReader) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segment = first;
    this.header = first.header;
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
    const file = await openSegmentFile(disk, directory, 0);
    if (file === undefined) throw new TapedeckError('journal-invalid', `no journal: ${directory}`);
    const first = await SegmentReader.open(file).catch((error: unknown) => {
      throw new TapedeckError('disk-failed', `cannot read ${directory}`, { cause: error });
    });
    if (first.ok && first.value.header.segment === 0) {
      return new JournalReader(disk, directory, first.value);
    }
    if (first.ok) await first.value.close();
    const why = first.ok ? 'wrong-segment' : first.defect;
    throw new TapedeckError('journal-invalid', `not a journal we can read (${why}): ${directory}`);
  }

  /** Wall clock at the journal's start, ms since 1970. */
  get startedAtMs(): number {
    return this.header.startedWallUs / 1000;
  }

  get position(): JournalPosition {
    return { segment: this.#segment.header.segment, offsetBytes: this.#segment.offsetBytes };
  }

  /**
   * Gives whole blocks to the visitor until there are no more, or the limit is reached. One call at
   * a time. Rejects with `disk-failed`, and can be called again after that.
   */
  async readMore(visitor: JournalVisitor, limits: ReadLimits = {}): Promise<ReadProgress> {
    let leftBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
    try {
      for (;;) {
        const segment = this.#segment;
        const before = segment.offsetBytes;
        const state = await segment.readMore(visitor, leftBytes);
        leftBytes -= segment.offsetBytes - before;
        const { position } = this;
        if (state === 'more' || state === 'waiting' || state === 'ended') {
          return { state, position };
        }
        if (state !== 'continued') return { state: 'damaged', position, defect: state };
        const defect = await this.#openNext(segment);
        // The writer creates a segment before it has anything to put there.
        if (defect === 'header-incomplete') return { state: 'waiting', position };
        if (defect !== undefined) return { state: 'damaged', position, defect };
      }
    } catch (error) {
      throw new TapedeckError('disk-failed', `cannot read ${this.#directory}`, { cause: error });
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#segment.close();
  }

  async #openNext(full: SegmentReader): Promise<JournalDefect | undefined> {
    const index = full.header.segment + 1;
    const file = await openSegmentFile(this.#disk, this.#directory, index);
    if (file === undefined) return 'header-incomplete';
    const next = await SegmentReader.open(file);
    if (!next.ok) return next.defect;
    if (!follows(next.value.header, full)) {
      await next.value.close();
      return 'wrong-segment';
    }
    this.#segment = next.value;
    await full.close();
    return undefined;
  }
}

/** Whether a header names the segment that was read to its end before it. */
export function follows(header: ReadHeader, full: SegmentReader): boolean {
  return (
    header.segment === full.header.segment + 1 &&
    header.recordingId === full.header.recordingId &&
    header.startedWallUs === full.header.startedWallUs &&
    header.startedMonotonicUs === full.header.startedMonotonicUs &&
    header.previousBytes === full.offsetBytes &&
    header.previousCrc === full.crc
  );
}

async function openSegmentFile(
  disk: Disk,
  directory: string,
  index: number,
): Promise<DiskFile | undefined> {
  try {
    return await disk.open(join(directory, segmentName(index)), 'read');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TapedeckError('disk-failed', `cannot open ${directory}`, { cause: error });
  }
}
