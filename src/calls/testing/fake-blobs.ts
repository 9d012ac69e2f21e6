import type { BlobReader, BlobStore } from '../../core/ports/blob-store.ts';
import { Pace } from './pace.ts';

/** Stored files as texts, by key. */
export class FakeBlobs implements Pick<BlobStore, 'read' | 'readUnfinished' | 'remove'> {
  readonly blobs: Map<string, string> = new Map();
  /** Left by a thread that died. */
  readonly unfinished: Map<string, string> = new Map();
  /** Readers that nobody closed. */
  open = 0;
  /** Keys that the disk does not give up. */
  readonly stuck: Set<string> = new Set();
  readonly #pace: Pace;

  constructor(pace: Pace = new Pace()) {
    this.#pace = pace;
  }

  read(key: string): Promise<BlobReader | undefined> {
    return this.#read(this.blobs.get(key));
  }

  readUnfinished(key: string): Promise<BlobReader | undefined> {
    return this.#read(this.unfinished.get(key));
  }

  async #read(text: string | undefined): Promise<BlobReader | undefined> {
    if (text !== undefined) this.open += 1;
    await this.#pace.step();
    if (text === undefined) return undefined;
    let isOpen = true;
    const range: BlobReader['range'] = async function* (start, end) {
      await Promise.resolve();
      yield Buffer.from(text.slice(start, end + 1));
    };
    return {
      sizeBytes: text.length,
      range,
      lend: range,
      close: () => {
        if (isOpen) this.open -= 1;
        isOpen = false;
        return Promise.resolve();
      },
    };
  }

  async remove(key: string): Promise<void> {
    if (this.stuck.has(key)) throw new Error('the disk refuses');
    this.blobs.delete(key);
    this.unfinished.delete(key);
    await this.#pace.step();
  }
}
