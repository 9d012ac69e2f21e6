import type { LiveExports } from '../../core/ports/export.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { GuardedHttp } from '../../net/guarded-http.ts';
import { SystemResolver } from '../../net/host-resolver.ts';
import { AzureLiveExports } from './azure-live-exports.ts';
import { ContainerAccesses } from './container-access.ts';
import type { ExportParts, ExportSettings } from './create-exports.ts';

/** The exports, with a way to the network of their own. */
export function openLiveExports(settings: ExportSettings, parts: ExportParts): LiveExports {
  const policy = new AddressPolicy(settings.allowPrivateUrls);
  const sender = new GuardedHttp(policy, new SystemResolver(parts.clock), parts.clock);
  const accesses = new ContainerAccesses(settings.storageAccounts, policy);
  return new AzureLiveExports(accesses, { ...parts, sender });
}
