import { TapedeckError } from '../../core/error.ts';
import type { BlobWriter } from '../../core/ports/blob-store.ts';
import { BLOCK_BYTES, type BlobContainer } from './blob-container.ts';
import { compareBlob, GrowingSamples } from './blob-samples.ts';
import { StagedBlob } from './staged-blob.ts';

const MEDIA_TYPE = 'application/octet-stream';

/**
 * Writes one blob as blocks; see `BlobWriter`. One call at a time. An append is staged at once, and the
 * service compares its MD5. Rejects with `destination-unreachable` or `destination-refused`, with
 * `blob-mismatch` when the committed blob differs, and with `internal` after `commit` or `abort`.
 */
export class AzureBlobWriter implements BlobWriter {
  readonly #container: BlobContainer;
  readonly #name: string;
  readonly #headerBytes: number;
  readonly #staged: StagedBlob;
  readonly #samples: GrowingSamples;
  readonly #ended = new AbortController();
  #end: number;
  #isDone = false;

  constructor(container: BlobContainer, name: string, headerBytes: number) {
    this.#container = container;
    this.#name = name;
    this.#headerBytes = headerBytes;
    this.#end = headerBytes;
    this.#staged = new StagedBlob(container, name, MEDIA_TYPE);
    this.#samples = new GrowingSamples(name);
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      await this.#staged.stage(block, this.#ended.signal);
      this.#samples.add(this.#end, block);
      this.#end += block.length;
    }
  }

  async writeHeader(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (bytes.length !== this.#headerBytes) {
      throw new TapedeckError('internal', `${this.#name}: header does not fill its room`);
    }
    await this.#staged.stageHeader(bytes, this.#ended.signal);
    this.#samples.add(0, bytes);
  }

  async commit(): Promise<{ readonly sizeBytes: number }> {
    this.#assertOpen();
    await this.#staged.commit(this.#ended.signal);
    this.#isDone = true;
    const sizeBytes = this.#end;
    const expected = { sizeBytes, samples: this.#samples.all() };
    await compareBlob(this.#container, this.#name, expected);
    return { sizeBytes };
  }

  /** What was staged is invisible, and the service drops it after a week. */
  abort(): Promise<void> {
    this.#isDone = true;
    this.#ended.abort();
    return Promise.resolve();
  }

  #assertOpen(): void {
    if (this.#isDone) throw new TapedeckError('internal', `${this.#name} is closed`);
  }
}
