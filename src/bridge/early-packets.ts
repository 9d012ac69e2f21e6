import type { SocketAddress } from '../core/ports/datagram.ts';

/** A second of ordinary packets: older ones would be too late for the recording. */
const MAX_PACKETS = 50;
/** Ethernet's; voice never comes near it. */
const MAX_PACKET_BYTES = 1_500;

type EarlyPacket = {
  readonly data: Uint8Array;
  readonly from: SocketAddress;
  readonly arrivalUs: number;
};

/**
 * Packets that came before offer and answer were known here: a phone that we call sends as soon as
 * it has accepted, and one that left the offer to us as soon as it has read it. Bounded: the oldest
 * make room.
 */
export class EarlyPackets {
  readonly #packets: EarlyPacket[] = [];

  /** Copies the packet; `false` if one was lost for it, or it itself. */
  hold(data: Uint8Array, from: SocketAddress, arrivalUs: number): boolean {
    if (data.byteLength > MAX_PACKET_BYTES) return false;
    const isFull = this.#packets.length >= MAX_PACKETS;
    if (isFull) this.#packets.shift();
    this.#packets.push({ data: data.slice(), from: { ...from }, arrivalUs });
    return !isFull;
  }

  /** Hands the packets over in their order, and forgets them. */
  release(receive: (data: Uint8Array, from: SocketAddress, arrivalUs: number) => void): void {
    for (const { data, from, arrivalUs } of this.#packets.splice(0)) {
      receive(data, from, arrivalUs);
    }
  }
}
