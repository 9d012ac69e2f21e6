import { AddressPolicy } from '../../net/address-policy.ts';
import { GuardedHttp } from '../../net/guarded-http.ts';
import { SystemResolver } from '../../net/host-resolver.ts';
import { AzureContainers } from './azure-containers.ts';
import { AzureLiveExports } from './azure-live-exports.ts';
import { ContainerAccesses } from './container-access.ts';
import type { ExportParts, Exports, ExportSettings } from './create-exports.ts';

/** The exports, with a way to the network of their own. */
export function openExports(settings: ExportSettings, parts: ExportParts): Exports {
  const policy = new AddressPolicy(settings.allowPrivateUrls);
  const sender = new GuardedHttp(policy, new SystemResolver(parts.clock), parts.clock);
  const accesses = new ContainerAccesses(settings.storageAccounts, policy);
  const tools = { ...parts, sender };
  return {
    live: new AzureLiveExports(accesses, tools),
    uploads: new AzureContainers(accesses, tools),
  };
}
