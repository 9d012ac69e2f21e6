import { AddressPolicy } from '../../src/net/address-policy.ts';
import { GuardedHttp } from '../../src/net/guarded-http.ts';
import { SystemResolver } from '../../src/net/host-resolver.ts';
import type { BlobTools } from '../../src/storage/azure/blob-container.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';

/** The server's own way to the network, loopback allowed. */
export function azureTools(): BlobTools {
  const policy = new AddressPolicy(['loopback']);
  const sender = new GuardedHttp(policy, new SystemResolver(systemClock), systemClock);
  return { sender, clock: systemClock, random: systemRandom };
}
