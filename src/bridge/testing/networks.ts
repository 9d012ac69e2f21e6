import type { DatagramNetwork } from '../../core/ports/datagram.ts';
import { systemClock } from '../../telemetry/system-clock.ts';
import { loadLinuxCalls } from '../datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../datagram/linux-network.ts';
import { NodeDatagramNetwork } from '../datagram/node-network.ts';

export type NetworkChoice = readonly [name: string, make: () => DatagramNetwork];

/** Every real network that works on this machine, for suites that run over all of them. */
export async function realNetworks(): Promise<readonly NetworkChoice[]> {
  const calls = await loadLinuxCalls();
  const everywhere: NetworkChoice = ['node:dgram', () => new NodeDatagramNetwork(systemClock)];
  if ('unavailable' in calls) return [everywhere];
  // A short sleep: tests wait for it again and again.
  const options = { sleepMs: 1 };
  return [
    everywhere,
    ['Linux system calls', () => new LinuxDatagramNetwork(calls, systemClock, options)],
  ];
}
