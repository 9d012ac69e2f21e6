import type { Clock } from '../../core/ports/clock.ts';
import type { DatagramNetwork } from '../../core/ports/datagram.ts';
import type { Logger } from '../../core/ports/log.ts';
import { loadLinuxCalls, type LinuxCalls, type Unavailable } from './linux-calls.ts';
import { LinuxDatagramNetwork, type LinuxNetworkOptions } from './linux-network.ts';
import { NodeDatagramNetwork } from './node-network.ts';

/**
 * The cheapest network that works here: batched system calls on Linux with the GNU C library,
 * `node:dgram` elsewhere, which the log then says. For a thread of its own: see
 * `LinuxDatagramNetwork`.
 */
export async function openFastestNetwork(
  log: Logger,
  clock: Clock,
  options: LinuxNetworkOptions = {},
  load: () => Promise<LinuxCalls | Unavailable> = loadLinuxCalls,
): Promise<DatagramNetwork> {
  const calls = await load();
  if ('unavailable' in calls) {
    log.warn(
      { reason: calls.unavailable },
      'batched system calls are not available: media uses node:dgram, which costs more processor time',
    );
    return new NodeDatagramNetwork(clock);
  }
  return new LinuxDatagramNetwork(calls, clock, options);
}
