import type { BlobReader } from '../core/ports/blob-store.ts';
import type { DiskFile } from '../core/ports/disk.ts';
import { onDisk } from './on-disk.ts';
import type { PieceBuffers } from './piece-buffers.ts';

/** What `range` reads, and holds, at a time: the next piece only when the last one was taken. */
const PIECE_BYTES = 128 * 1024;

/** Owns `file`. */
export class FileBlobReader implements BlobReader {
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  readonly #buffers: PieceBuffers;

  constructor(file: DiskFile, sizeBytes: number, buffers: PieceBuffers) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.#buffers = buffers;
  }

  async *range(start: number, end: number): AsyncIterable<Uint8Array> {
    let at = Math.max(0, start);
    const behind = Math.min(end + 1, this.sizeBytes);
    let isWhole = false;
    try {
      while (at < behind) {
        // A piece of its own each time: whoever takes it may still be sending it.
        const piece = new Uint8Array(Math.min(PIECE_BYTES, behind - at));
        const count = await this.#read(piece, at);
        if (count === 0) break;
        at += count;
        yield piece.subarray(0, count);
      }
      isWhole = true;
    } finally {
      if (!isWhole) await this.close();
    }
  }

  async *lend(start: number, end: number): AsyncIterable<Uint8Array> {
    let at = Math.max(0, start);
    const behind = Math.min(end + 1, this.sizeBytes);
    if (at >= behind) return;
    const buffer = this.#buffers.take(behind - at);
    let isTaken = false;
    try {
      while (at < behind) {
        const into = buffer.subarray(0, behind - at);
        let count = this.#file.readCached?.(into, at) ?? 0;
        if (count === 0) count = await this.#read(into, at);
        if (count === 0) break;
        at += count;
        yield buffer.subarray(0, count);
      }
      isTaken = true;
    } finally {
      // Who leaves early may not have sent the last piece yet.
      if (isTaken) this.#buffers.giveBack(buffer);
      else this.#buffers.abandon(buffer);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #read(into: Uint8Array, position: number): Promise<number> {
    return onDisk('cannot read a blob', () => this.#file.read(into, position));
  }
}
