import { TapedeckError } from '../../core/error.ts';
import type { BlobReader, BlobStore } from '../../core/ports/blob-store.ts';
import type { LiveExport } from '../../core/ports/export.ts';
import type { Logger } from '../../core/ports/log.ts';
import { BLOCK_BYTES } from './blob-container.ts';
import { readRange } from './blob-samples.ts';
import { commitCompared, stageRange, stageRest, type BlobCopy } from './copy-to-blob.ts';
import { FINISH_LIMIT_MS } from './limits.ts';

export type LocalBlob = {
  readonly blobs: BlobStore;
  readonly key: string;
  readonly headerBytes: number;
};

/**
 * Copies one local blob while it grows. Growth is only a mark: one block after the other is read from
 * the file up to it, so that memory does not depend on how far the container lags behind.
 */
export class LiveCopy implements LiveExport {
  readonly #copy: BlobCopy;
  readonly #local: LocalBlob;
  readonly #log: Logger;
  /** First byte that is not staged. */
  #at: number;
  #sizeBytes = 0;
  #pumping: Promise<void> | undefined;
  #state: 'copying' | 'failed' | 'over' = 'copying';
  #finishing: Promise<boolean> | undefined;

  constructor(copy: BlobCopy, local: LocalBlob, log: Logger) {
    this.#copy = copy;
    this.#local = local;
    this.#log = log;
    this.#at = local.headerBytes;
  }

  grown(sizeBytes: number): void {
    this.#sizeBytes = Math.max(this.#sizeBytes, sizeBytes);
    if (!this.#isFollowing() || !this.#hasBlock()) return;
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
    });
  }

  finish(): Promise<boolean> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  async abort(): Promise<void> {
    if (!this.#isFollowing()) return;
    this.#state = 'over';
    this.#copy.watch.end();
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    try {
      while (this.#isFollowing() && this.#hasBlock()) {
        const { blobs, key } = this.#local;
        const file = (await blobs.readUnfinished(key)) ?? (await blobs.read(key));
        await this.#use(file, (open) => this.#stageBlocks(open));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whole blocks as far as the file, as it was opened, has them. */
  async #stageBlocks(file: BlobReader): Promise<void> {
    const end = Math.min(file.sizeBytes, this.#sizeBytes);
    if (end - this.#at < BLOCK_BYTES) throw new TapedeckError('internal', 'the file did not grow');
    while (this.#isFollowing() && end - this.#at >= BLOCK_BYTES) {
      await stageRange(this.#copy, file, this.#at, BLOCK_BYTES);
      this.#at += BLOCK_BYTES;
    }
  }

  async #finish(): Promise<boolean> {
    try {
      await this.#copy.watch.during(async () => {
        await this.#pumping;
        if (!this.#isCopying()) return;
        const { blobs, key } = this.#local;
        await this.#use(await blobs.read(key), (open) => this.#complete(open));
      }, FINISH_LIMIT_MS);
    } catch (error) {
      this.#fail(error);
    }
    const isWhole = this.#isCopying();
    if (isWhole) this.#state = 'over';
    return isWhole;
  }

  async #complete(file: BlobReader): Promise<void> {
    const { staged, watch } = this.#copy;
    await stageRest(this.#copy, file, this.#at);
    await staged.stageHeader(await readRange(file, 0, this.#local.headerBytes), watch.signal);
    watch.progress();
    await commitCompared(this.#copy, file);
  }

  async #use(
    file: BlobReader | undefined,
    task: (file: BlobReader) => Promise<void>,
  ): Promise<void> {
    if (file === undefined) {
      throw new TapedeckError('internal', `there is no ${this.#local.key} to copy`);
    }
    try {
      await task(file);
    } finally {
      await file.close();
    }
  }

  #fail(error: unknown): void {
    if (!this.#isCopying()) return;
    this.#state = 'failed';
    this.#copy.watch.end();
    const { container, name } = this.#copy;
    this.#log.warn(
      { container: container.url, blob: name, error },
      'copying to the own container failed; the file stays in built-in storage',
    );
  }

  #isCopying(): boolean {
    return this.#state === 'copying';
  }

  #isFollowing(): boolean {
    return this.#isCopying() && this.#finishing === undefined;
  }

  #hasBlock(): boolean {
    return this.#sizeBytes - this.#at >= BLOCK_BYTES;
  }
}
