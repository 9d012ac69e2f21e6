import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { LiveExports } from '../../core/ports/export.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { GuardedHttp } from '../../net/guarded-http.ts';
import { SystemResolver } from '../../net/host-resolver.ts';
import { AzureLiveExports } from './azure-live-exports.ts';
import { ContainerAccesses } from './container-access.ts';
import type { StorageAccount } from './storage-account.ts';

/** What a thread has to be told to export on its own; plain data. Secret. */
export type ExportSettings = {
  readonly storageAccounts: readonly StorageAccount[];
  /** As `--allow-private-urls` lists them. */
  readonly allowPrivateUrls: readonly string[];
};

/** The exports of a thread that has no way to the network yet. */
export function createLiveExports(
  settings: ExportSettings,
  parts: {
    readonly blobs: BlobStore;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
  },
): LiveExports {
  const policy = new AddressPolicy(settings.allowPrivateUrls);
  const sender = new GuardedHttp(policy, new SystemResolver(parts.clock), parts.clock);
  const accesses = new ContainerAccesses(settings.storageAccounts, policy);
  return new AzureLiveExports(accesses, { ...parts, sender });
}
