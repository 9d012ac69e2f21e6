import { dirname } from 'node:path';
import { TapedeckError } from '../core/error.ts';
import type { BlobWriter } from '../core/ports/blob-store.ts';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import { onDisk } from './on-disk.ts';

export type FileBlob = {
  readonly disk: Disk;
  /** Open for writing, empty; owned by the writer from then on. */
  readonly file: DiskFile;
  readonly temporary: string;
  readonly target: string;
  readonly key: string;
  readonly headerBytes: number;
};

const READ_BACK_BYTES = 256 * 1024;
const KEPT_BUFFERS = 2;

// Hundreds of blobs are open at a time, but only a few are being checked in the same moment.
const freeBuffers: Uint8Array[] = [];

/**
 * Writes one file; see `BlobWriter`. One call at a time. Rejects with `disk-failed`, with
 * `blob-mismatch` when the file holds something else than was written, and with `internal` after
 * `commit` or `abort`.
 */
export class FileBlobWriter implements BlobWriter {
  readonly #blob: FileBlob;
  #end: number;
  /** Whatever was written is on the medium. */
  #isSynced = false;
  #isDone = false;

  constructor(blob: FileBlob) {
    this.#blob = blob;
    this.#end = blob.headerBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    const at = this.#end;
    await this.#write(bytes, at);
    this.#end = at + bytes.byteLength;
  }

  async writeHeader(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (bytes.byteLength !== this.#blob.headerBytes) {
      throw new TapedeckError('internal', `${this.#blob.key}: header does not fill its room`);
    }
    await this.#write(bytes, 0);
  }

  async commit(): Promise<{ readonly sizeBytes: number }> {
    this.#assertOpen();
    const { disk, file, temporary, target, key } = this.#blob;
    await onDisk(`cannot store ${key}`, async () => {
      if (!this.#isSynced) await file.sync();
      await file.close();
      await disk.rename(temporary, target);
      this.#isDone = true;
      await disk.syncDirectory(dirname(target));
    });
    return { sizeBytes: this.#end };
  }

  async abort(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const { disk, file, temporary, key } = this.#blob;
    await onDisk(`cannot remove ${key}`, async () => {
      await file.close();
      await disk.remove(temporary);
    });
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    const { file, key } = this.#blob;
    await onDisk(`cannot write ${key}`, async () => {
      this.#isSynced = false;
      await file.write(bytes, at);
      await file.sync();
      this.#isSynced = true;
      await this.#compare(bytes, at);
    });
  }

  async #compare(bytes: Uint8Array, at: number): Promise<void> {
    const { file, key } = this.#blob;
    const buffer = freeBuffers.pop() ?? new Uint8Array(READ_BACK_BYTES);
    try {
      for (let from = 0; from < bytes.byteLength; from += READ_BACK_BYTES) {
        const written = bytes.subarray(from, from + READ_BACK_BYTES);
        const read = buffer.subarray(0, written.byteLength);
        const count = await file.read(read, at + from);
        if (count !== written.byteLength || Buffer.compare(read, written) !== 0) {
          throw new TapedeckError('blob-mismatch', `${key} differs near byte ${at + from}`);
        }
      }
    } finally {
      if (freeBuffers.length < KEPT_BUFFERS) freeBuffers.push(buffer);
    }
  }

  #assertOpen(): void {
    if (this.#isDone) throw new TapedeckError('internal', `${this.#blob.key} is closed`);
  }
}
