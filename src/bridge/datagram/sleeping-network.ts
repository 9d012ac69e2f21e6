import type { DatagramNetwork } from '../../core/ports/datagram.ts';

/** A network that puts its thread to sleep between packets, which delays everything else there. */
export interface SleepingNetwork {
  /**
   * Sleeps only shortly until `work` has settled: what takes several turns of the event loop, such
   * as a file that is opened, written and synced, would otherwise wait for a whole sleep at each.
   */
  expedite(work: Promise<unknown>): void;
}

/** Lets work be done without delay, whatever the network of the thread. */
export function expedite(network: DatagramNetwork, work: Promise<unknown>): void {
  if (isSleeping(network)) network.expedite(work);
}

function isSleeping(network: DatagramNetwork): network is DatagramNetwork & SleepingNetwork {
  return 'expedite' in network;
}
