import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { LiveExport, LiveExports } from '../../core/ports/export.ts';
import type { Logger } from '../../core/ports/log.ts';
import { BlobContainer, type BlobTools } from './blob-container.ts';
import type { ContainerAccesses } from './container-access.ts';
import { LiveCopy } from './live-copy.ts';
import { STILL_LIMIT_MS, UPLOADS_AT_A_TIME } from './limits.ts';
import { ProgressWatch } from './progress-watch.ts';
import { StagedBlob } from './staged-blob.ts';
import { UploadSlots } from './upload-slots.ts';

export type LiveExportTools = BlobTools & {
  /** Where the files grow. */
  readonly blobs: BlobStore;
  readonly log: Logger;
};

/** Copies growing files to callers' containers in Azure Blob; see `LiveExports`. */
export class AzureLiveExports implements LiveExports {
  readonly #accesses: ContainerAccesses;
  readonly #tools: LiveExportTools;
  readonly #slots = new UploadSlots(UPLOADS_AT_A_TIME);

  constructor(accesses: ContainerAccesses, tools: LiveExportTools) {
    this.#accesses = accesses;
    this.#tools = tools;
  }

  begin(request: Parameters<LiveExports['begin']>[0]): LiveExport {
    const { blobs, clock, log } = this.#tools;
    const name = `${request.target.folder}/${request.fileName}`;
    let container: BlobContainer;
    try {
      const access = this.#accesses.of(request.target.containerUrl);
      container = new BlobContainer(access, this.#tools);
    } catch (error) {
      // It was checked when the recording began; the configuration may be another since.
      log.warn({ blob: name, error }, 'the own container cannot be used any more');
      return NO_EXPORT;
    }
    const copy = {
      container,
      name,
      staged: new StagedBlob(container, name, request.mediaType),
      slots: this.#slots,
      watch: new ProgressWatch(clock, STILL_LIMIT_MS),
    };
    const { blobKey: key, headerBytes } = request;
    return new LiveCopy(copy, { blobs, key, headerBytes }, log);
  }
}

const NO_EXPORT: LiveExport = {
  grown: () => undefined,
  finish: () => Promise.resolve(false),
  abort: () => Promise.resolve(),
};
