import { crc32 } from 'node:zlib';
import type { DiskFile } from '../core/ports/disk.ts';
import { parsed, type Parsed } from '../core/result.ts';
import {
  BLOCK_PREFIX_BYTES,
  MAX_BLOCK_RECORDS_BYTES,
  MAX_HEADER_BYTES,
  RECORD_PREFIX_BYTES,
} from './format.ts';
import type { JournalVisitor } from './journal-visitor.ts';
import { lendReadBuffer, returnReadBuffer } from './read-buffers.ts';
import { readHeader, type HeaderDefect, type ReadHeader } from './segment-header.ts';
import { recordsFill, visitBlock } from './visit-block.ts';

export type BlockDefect = 'block-length' | 'block-crc' | 'records';

/** As `ReadProgress` of the journal; `continued`: the rest is in the next segment. */
export type SegmentState = 'more' | 'waiting' | 'continued' | 'ended' | BlockDefect;

/** Reads the blocks of one segment. Takes ownership of the file. */
export class SegmentReader {
  readonly header: ReadHeader;
  readonly #file: DiskFile;
  #offset: number;
  #crc: number;
  #state: SegmentState = 'more';

  private constructor(file: DiskFile, header: ReadHeader) {
    this.#file = file;
    this.header = header;
    this.#offset = header.headerBytes;
    this.#crc = header.crc;
  }

  /** Closes `file` unless a reader is returned. Rejects with the disk's error. */
  static async open(file: DiskFile): Promise<Parsed<SegmentReader, HeaderDefect>> {
    let reader: SegmentReader | undefined;
    try {
      const bytes = new Uint8Array(MAX_HEADER_BYTES);
      const header = readHeader(bytes.subarray(0, await file.read(bytes, 0)));
      if (!header.ok) return header;
      reader = new SegmentReader(file, header.value);
      return parsed(reader);
    } finally {
      if (reader === undefined) await file.close();
    }
  }

  /** Where the next block begins. */
  get offsetBytes(): number {
    return this.#offset;
  }

  /** CRC of the last block that was read, or of the header. */
  get crc(): number {
    return this.#crc;
  }

  /** Reads whole blocks until there are no more, or `maxBytes` are reached. One call at a time. */
  async readMore(visitor: JournalVisitor, maxBytes: number): Promise<SegmentState> {
    if (this.#state === 'continued' || this.#state === 'ended') return this.#state;
    const buffer = lendReadBuffer();
    try {
      this.#state = await this.#readThrough(buffer, visitor, this.#offset + maxBytes);
      return this.#state;
    } finally {
      returnReadBuffer(buffer);
    }
  }

  sizeBytes(): Promise<number> {
    return this.#file.sizeBytes();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readThrough(
    buffer: Uint8Array,
    visitor: JournalVisitor,
    limit: number,
  ): Promise<SegmentState> {
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    let defectAt = -1;
    while (this.#offset < limit) {
      const before = this.#offset;
      const filled = await this.#file.read(buffer, before);
      const state = this.#visitBlocks(buffer, view, filled, visitor, limit - before);
      if (state === 'continued' || state === 'ended') return state;
      if (state === 'waiting') {
        // Less than asked for is the end of the file; else the buffer ended within a block.
        if (filled < buffer.byteLength) return state;
      } else if (state !== 'more') {
        // A write may have been under way; what is wrong twice is wrong.
        if (defectAt === this.#offset) return state;
        defectAt = this.#offset;
      }
    }
    return 'more';
  }

  /** Visits the whole blocks in the first `filled` bytes; a defect stops before its block. */
  #visitBlocks(
    buffer: Uint8Array,
    view: DataView,
    filled: number,
    visitor: JournalVisitor,
    limit: number,
  ): SegmentState {
    let at = 0;
    while (at < limit) {
      if (at + BLOCK_PREFIX_BYTES > filled) return 'waiting';
      const recordsBytes = view.getUint32(at + 4, true);
      if (recordsBytes < RECORD_PREFIX_BYTES || recordsBytes > MAX_BLOCK_RECORDS_BYTES) {
        return 'block-length';
      }
      const start = at + BLOCK_PREFIX_BYTES;
      const end = start + recordsBytes;
      if (end > filled) return 'waiting';
      const crc = view.getUint32(at, true);
      if (crc32(buffer.subarray(at + 4, end), this.#crc) !== crc) return 'block-crc';
      if (!recordsFill(view, start, end)) return 'records';
      visitor.block?.(this.#offset, end - at, crc);
      const after = visitBlock(buffer, view, start, end, visitor);
      this.#offset += end - at;
      this.#crc = crc;
      at = end;
      if (after !== 'block') return after;
    }
    return 'more';
  }
}
