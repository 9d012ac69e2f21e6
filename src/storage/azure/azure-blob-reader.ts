import { TapedeckError } from '../../core/error.ts';
import type { BlobReader } from '../../core/ports/blob-store.ts';
import { BLOCK_BYTES, type BlobContainer, type BlobProperties } from './blob-container.ts';

/** Reads one version of a blob: ranges reject with `destination-refused` once it was replaced. */
export class AzureBlobReader implements BlobReader {
  readonly sizeBytes: number;
  readonly #container: BlobContainer;
  readonly #name: string;
  readonly #etag: string;
  readonly #closed = new AbortController();

  constructor(container: BlobContainer, name: string, { sizeBytes, etag }: BlobProperties) {
    this.#container = container;
    this.#name = name;
    this.sizeBytes = sizeBytes;
    this.#etag = etag;
  }

  async *range(start: number, end: number): AsyncIterable<Uint8Array> {
    let isWhole = false;
    try {
      yield* this.lend(start, end);
      isWhole = true;
    } finally {
      if (!isWhole) await this.close();
    }
  }

  async *lend(start: number, end: number): AsyncIterable<Uint8Array> {
    let at = Math.max(0, start);
    const behind = Math.min(end + 1, this.sizeBytes);
    while (at < behind) {
      if (this.#closed.signal.aborted) throw new TapedeckError('internal', 'the blob is closed');
      const length = Math.min(BLOCK_BYTES, behind - at);
      const range = { start: at, length, etag: this.#etag };
      yield await this.#container.read(this.#name, range, this.#closed.signal);
      at += length;
    }
  }

  close(): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }
}
