import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { ContainerPort, LiveExport, LiveExports } from '../../core/ports/export.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { StorageAccount } from './storage-account.ts';

/** What a thread has to be told to export on its own; plain data. Secret. */
export type ExportSettings = {
  readonly storageAccounts: readonly StorageAccount[];
  /** As `--allow-private-urls` lists them. */
  readonly allowPrivateUrls: readonly string[];
};

export type ExportParts = {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

/** What writes into callers' containers. */
export type Exports = {
  readonly live: LiveExports;
  readonly uploads: Pick<ContainerPort, 'put' | 'copy'>;
};

/**
 * The exports of a thread that has no way to the network yet. That way is loaded by the first export:
 * threads that never export start without it.
 */
export function createExports(settings: ExportSettings, parts: ExportParts): Exports {
  let loading: Promise<Exports> | undefined;
  const loaded = (): Promise<Exports> => {
    loading ??= import('./open-exports.ts').then(({ openExports }) => openExports(settings, parts));
    return loading;
  };
  return {
    live: {
      begin: (request) => {
        const begun = loaded().then(({ live }) => live.begin(request));
        return new LateExport(begun, parts.log);
      },
    },
    uploads: {
      put: async (...request) => (await loaded()).uploads.put(...request),
      copy: async (...request) => (await loaded()).uploads.copy(...request),
    },
  };
}

/** Keeps the mark until the export is there. */
class LateExport implements LiveExport {
  readonly #begun: Promise<LiveExport | undefined>;
  #export: LiveExport | undefined;
  #sizeBytes = 0;

  constructor(begun: Promise<LiveExport>, log: Logger) {
    this.#begun = begun.then(
      (begunExport) => {
        begunExport.grown(this.#sizeBytes);
        this.#export = begunExport;
        return begunExport;
      },
      (error: unknown) => {
        log.error({ error }, 'exports cannot be loaded; files stay in built-in storage');
        return undefined;
      },
    );
  }

  grown(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#export?.grown(sizeBytes);
  }

  async finish(): Promise<boolean> {
    return (await (await this.#begun)?.finish()) ?? false;
  }

  async abort(): Promise<void> {
    await (await this.#begun)?.abort();
  }
}
