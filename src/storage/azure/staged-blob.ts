import type { BlobContainer } from './blob-container.ts';

/** The service takes at most 50,000 blocks in one blob. */
const POSITION_DIGITS = 5;
const HEADER_POSITION = 0;
const ATTEMPT_BYTES = 8;

/**
 * A blob that is put together from blocks, in order, with its header staged last and listed first.
 * A block's id is its attempt and position: a request of an attempt that was given up may arrive
 * late, and must not put its bytes in the place of another's.
 */
export class StagedBlob {
  readonly #container: BlobContainer;
  readonly #name: string;
  readonly #mediaType: string;
  readonly #attempt: string;
  #blocks = 0;
  #hasHeader = false;
  #sizeBytes = 0;

  constructor(container: BlobContainer, name: string, mediaType: string) {
    this.#container = container;
    this.#name = name;
    this.#mediaType = mediaType;
    this.#attempt = container.tools.random.hex(ATTEMPT_BYTES);
  }

  /** Of the blob that `commit` would make now. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends one block of at most `BLOCK_BYTES`; none for no bytes. One call at a time. */
  async stage(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (bytes.length === 0) return;
    const id = this.#blockId(this.#blocks + 1);
    await this.#container.stage(this.#name, id, bytes, signal);
    this.#blocks += 1;
    this.#sizeBytes += bytes.length;
  }

  /** The first bytes of the blob; once. */
  async stageHeader(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (bytes.length === 0) return;
    await this.#container.stage(this.#name, this.#blockId(HEADER_POSITION), bytes, signal);
    this.#hasHeader = true;
    this.#sizeBytes += bytes.length;
  }

  async commit(signal?: AbortSignal): Promise<void> {
    const ids = Array.from({ length: this.#blocks }, (_, index) => this.#blockId(index + 1));
    if (this.#hasHeader) ids.unshift(this.#blockId(HEADER_POSITION));
    await this.#container.commit(this.#name, ids, this.#mediaType, signal);
  }

  /** All ids of a blob have to be of one length. */
  #blockId(position: number): string {
    const text = `${this.#attempt}-${String(position).padStart(POSITION_DIGITS, '0')}`;
    return Buffer.from(text).toString('base64');
  }
}
