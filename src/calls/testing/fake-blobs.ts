import type { BlobReader, BlobStore } from '../../core/ports/blob-store.ts';

/** Stored files as texts, by key. */
export class FakeBlobs implements Pick<BlobStore, 'read' | 'remove'> {
  readonly blobs: Map<string, string> = new Map();
  /** Readers that nobody closed. */
  open = 0;
  /** Keys that the disk does not give up. */
  readonly stuck: Set<string> = new Set();

  read(key: string): Promise<BlobReader | undefined> {
    const text = this.blobs.get(key);
    if (text === undefined) return Promise.resolve(undefined);
    this.open += 1;
    let isOpen = true;
    return Promise.resolve({
      sizeBytes: text.length,
      range: async function* (start, end) {
        await Promise.resolve();
        yield Buffer.from(text.slice(start, end + 1));
      },
      close: () => {
        if (isOpen) this.open -= 1;
        isOpen = false;
        return Promise.resolve();
      },
    });
  }

  remove(key: string): Promise<void> {
    if (this.stuck.has(key)) return Promise.reject(new Error('the disk refuses'));
    this.blobs.delete(key);
    return Promise.resolve();
  }
}
