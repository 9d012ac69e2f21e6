import type { DatagramNetwork } from '../../core/ports/datagram.ts';

/** A network that puts its thread to sleep between packets, which delays everything else there. */
export interface SleepingNetwork {
  /**
   * Sleeps only shortly until `work` has settled: what takes several turns of the event loop, such
   * as a file that is opened, written and synced, would otherwise wait for a whole sleep at each.
   */
  expedite(work: Promise<unknown>): void;
  /** Takes what has arrived on all sockets by now, as far as there is no flood of it. Not from a receiver. */
  receiveWaiting(): void;
}

/** Lets work be done without delay, whatever the network of the thread. */
export function expedite(network: DatagramNetwork, work: Promise<unknown>): void {
  if (isSleeping(network)) network.expedite(work);
}

/**
 * Before something ends that packets go into: those that arrived before belong to it. While the thread slept or
 * worked they wait in the sockets, and a request that comes then is older than none of them. A network whose
 * sockets the event loop itself reads has no such moment, and does nothing.
 */
export function receiveWaiting(network: DatagramNetwork): void {
  if (isSleeping(network)) network.receiveWaiting();
}

function isSleeping(network: DatagramNetwork): network is DatagramNetwork & SleepingNetwork {
  return 'expedite' in network;
}
