import type { BlobReader } from '../core/ports/blob-store.ts';
import type { DiskFile } from '../core/ports/disk.ts';
import { onDisk } from './on-disk.ts';

/** What is read, and held, at a time: the next piece only when the last one was taken. */
const PIECE_BYTES = 128 * 1024;

/** Owns `file`. */
export class FileBlobReader implements BlobReader {
  readonly sizeBytes: number;
  readonly #file: DiskFile;

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  async *range(start: number, end: number): AsyncIterable<Uint8Array> {
    let at = Math.max(0, start);
    const behind = Math.min(end + 1, this.sizeBytes);
    let isWhole = false;
    try {
      while (at < behind) {
        const from = at;
        // A piece of its own each time: whoever takes it may still be sending it.
        const piece = new Uint8Array(Math.min(PIECE_BYTES, behind - from));
        const count = await onDisk('cannot read a blob', () => this.#file.read(piece, from));
        if (count === 0) break;
        at += count;
        yield piece.subarray(0, count);
      }
      isWhole = true;
    } finally {
      if (!isWhole) await this.close();
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
