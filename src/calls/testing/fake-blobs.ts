import type { BlobReader, BlobStore } from '../../core/ports/blob-store.ts';

/** Stored files as texts, by key. */
export class FakeBlobs implements Pick<BlobStore, 'read' | 'remove'> {
  readonly blobs: Map<string, string> = new Map();
  /** Readers that nobody closed. */
  open = 0;
  /** How many removals fail from now on. */
  failures = 0;

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
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('the disk refuses'));
    }
    this.blobs.delete(key);
    return Promise.resolve();
  }
}
