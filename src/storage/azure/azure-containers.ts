import { TapedeckError } from '../../core/error.ts';
import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { ContainerPort } from '../../core/ports/export.ts';
import { BlobContainer, type BlobTools } from './blob-container.ts';
import { compareBlob } from './blob-samples.ts';
import type { ContainerAccesses } from './container-access.ts';
import { commitCompared, stageRest, type BlobCopy } from './copy-to-blob.ts';
import { ProgressWatch } from './progress-watch.ts';
import { StagedBlob } from './staged-blob.ts';
import { STILL_LIMIT_MS, UPLOADS_AT_A_TIME } from './limits.ts';
import { UploadSlots } from './upload-slots.ts';

export type ContainerTools = BlobTools & {
  /** Holds the originals of copies. */
  readonly blobs: BlobStore;
};

/**
 * Callers' containers in Azure Blob; see `ContainerPort`. An upload that stands still for a minute is
 * given up with `destination-unreachable`.
 */
export class AzureContainers implements ContainerPort {
  readonly #accesses: ContainerAccesses;
  readonly #tools: ContainerTools;
  readonly #slots = new UploadSlots(UPLOADS_AT_A_TIME);

  constructor(accesses: ContainerAccesses, tools: ContainerTools) {
    this.#accesses = accesses;
    this.#tools = tools;
  }

  check(containerUrl: string): void {
    this.#accesses.of(containerUrl);
  }

  urlOf(containerUrl: string, blobName: string): string {
    return this.#accesses.urlOf(containerUrl, blobName);
  }

  async put(
    containerUrl: string,
    blobName: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<void> {
    const container = this.#container(containerUrl);
    const watch = this.#watch();
    await watch.during(async () => {
      await container.put(blobName, bytes, mediaType, watch.signal);
      const expected = { sizeBytes: bytes.length, samples: [{ start: 0, bytes }] };
      await compareBlob(container, blobName, expected, watch);
    });
  }

  async copy(
    containerUrl: string,
    blobName: string,
    blobKey: string,
    mediaType: string,
  ): Promise<void> {
    const container = this.#container(containerUrl);
    const copy: BlobCopy = {
      container,
      name: blobName,
      staged: new StagedBlob(container, blobName, mediaType),
      slots: this.#slots,
      watch: this.#watch(),
    };
    const file = await this.#tools.blobs.read(blobKey);
    if (file === undefined) throw new TapedeckError('content-not-found', 'The file is missing.');
    try {
      await copy.watch.during(async () => {
        await stageRest(copy, file, 0);
        await commitCompared(copy, file);
      });
    } finally {
      await file.close();
    }
  }

  #container(containerUrl: string): BlobContainer {
    return new BlobContainer(this.#accesses.of(containerUrl), this.#tools);
  }

  #watch(): ProgressWatch {
    return new ProgressWatch(this.#tools.clock, STILL_LIMIT_MS);
  }
}
