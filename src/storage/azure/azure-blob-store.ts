import type { BlobReader, BlobStore, BlobWriter } from '../../core/ports/blob-store.ts';
import { assertBlobKey } from '../blob-key.ts';
import { AzureBlobReader } from './azure-blob-reader.ts';
import { AzureBlobWriter } from './azure-blob-writer.ts';
import type { BlobContainer } from './blob-container.ts';

/**
 * Blobs in an Azure container, named by a prefix and their key. Unfinished blobs are staged blocks,
 * which nobody can read; a blob that is replaced while it is read ends the reading.
 */
export class AzureBlobStore implements BlobStore {
  readonly #container: BlobContainer;
  readonly #prefix: string;

  /** @param prefix empty, or ending in a slash. */
  constructor(container: BlobContainer, prefix: string) {
    this.#container = container;
    this.#prefix = prefix;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a bad key rejects, as everywhere else
  async open(key: string, headerBytes: number): Promise<BlobWriter> {
    return new AzureBlobWriter(this.#container, this.#nameOf(key), headerBytes);
  }

  async read(key: string): Promise<BlobReader | undefined> {
    const name = this.#nameOf(key);
    const found = await this.#container.properties(name);
    return found === undefined ? undefined : new AzureBlobReader(this.#container, name, found);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a bad key rejects, as everywhere else
  async readUnfinished(key: string): Promise<BlobReader | undefined> {
    this.#nameOf(key);
    return undefined;
  }

  async remove(key: string): Promise<void> {
    await this.#container.remove(this.#nameOf(key));
  }

  #nameOf(key: string): string {
    assertBlobKey(key);
    return `${this.#prefix}${key}`;
  }
}
