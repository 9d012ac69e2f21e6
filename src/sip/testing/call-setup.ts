import { ManualClock } from '../../core/manual-clock.ts';
import type { LocalMedia } from '../../core/media-format.ts';
import {
  DEFAULT_FORMATS,
  SipEndpoint,
  type SipEndpointOptions,
  type SipPorts,
} from '../endpoint.ts';
import { MemoryNetwork } from './memory-network.ts';
import { seededRandom } from './seeded-random.ts';

export type World = {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly ports: SipPorts;
};

export function createWorld(seed = 1): World {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock);
  const ports = { clock, random: seededRandom(seed), datagrams: network, streams: network };
  return { clock, network, ports };
}

export function openEndpoint(
  world: World,
  host: string,
  options: Partial<SipEndpointOptions> = {},
): Promise<SipEndpoint> {
  return SipEndpoint.open({ hosts: [host], port: 5060, ...options }, world.ports);
}

export function mediaAt(address: string, port = 20_000): LocalMedia {
  return {
    rtp: { address, port },
    rtcp: { address, port: port + 1 },
    formats: DEFAULT_FORMATS,
  };
}
