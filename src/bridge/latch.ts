import { BlockList } from 'node:net';
import type { SocketAddress } from '../core/ports/datagram.ts';
import { addSequence } from '../protocols/rtp/arithmetic.ts';
import { canonicalAddress, familyOf } from './datagram/ip-address.ts';

/** Other sources are considered after the SDP address was silent for so long. */
export const SDP_SILENCE_MS = 500;
/** Another source locks after so many packets in sequence with one SSRC. */
export const PACKETS_TO_LOCK = 4;
/** Sources that may be on their way to a lock at the same time. */
const MAX_CANDIDATES = 4;

type Candidate = {
  readonly address: string;
  readonly port: number;
  ssrc: number;
  expectedSequence: number;
  packets: number;
};

export type LatchTarget = {
  /** Where the SDP says that media comes from. */
  readonly sdp: SocketAddress;
  /** Single addresses or CIDR ranges; text that is neither is ignored. */
  readonly alternativeSources: readonly string[];
};

/**
 * Decides whose packets are a leg's media. The SDP address and port lock at once. Any
 * other source has a chance only while the SDP address is silent, only from the allowed addresses,
 * and only by a run of packets; the SDP address takes the lock back with one.
 */
export class Latch {
  #sdp: SocketAddress | undefined;
  #allowed = new BlockList();
  #lastSdpUs = 0;
  /** The last accepted `from`: the network hands in the same object while the source is the same. */
  #accepted: SocketAddress | undefined;
  #locked: SocketAddress | undefined;
  #lockedToSdp = false;
  /** Set anew by a description: another candidate may take over from a lock that is not the SDP's. */
  #reopened = false;
  readonly #candidates: Candidate[] = [];

  /**
   * A description was agreed on: all is open again. A source other than the SDP's that is locked
   * already stays until a better one appears, if the SDP address is unchanged and it is still
   * allowed: refreshing a session must not cost half a second of a caller behind NAT.
   */
  reopen(target: LatchTarget, nowUs: number): void {
    const sdp = {
      address: canonicalAddress(target.sdp.address) ?? target.sdp.address,
      port: target.sdp.port,
    };
    const allowed = blockListOf(target.alternativeSources);
    const locked = this.#locked;
    const keeps =
      locked !== undefined &&
      this.#sdp !== undefined &&
      isSame(sdp, this.#sdp) &&
      (this.#lockedToSdp || isIn(allowed, locked.address));
    if (!keeps) {
      this.#locked = undefined;
      this.#lockedToSdp = false;
      this.#accepted = undefined;
    }
    this.#sdp = sdp;
    this.#allowed = allowed;
    this.#lastSdpUs = nowUs;
    this.#reopened = true;
    this.#candidates.length = 0;
  }

  /** Whose packets are accepted, or `undefined`. The same object as long as it does not change. */
  get locked(): SocketAddress | undefined {
    return this.#locked;
  }

  get isLockedToSdp(): boolean {
    return this.#lockedToSdp;
  }

  /** Other sources have a chance now. */
  isSdpSilent(nowUs: number): boolean {
    return nowUs - this.#lastSdpUs >= SDP_SILENCE_MS * 1000;
  }

  /** Takes one RTP packet of a negotiated payload type into account; true if it is the leg's media. */
  accepts(from: SocketAddress, ssrc: number, sequenceNumber: number, arrivalUs: number): boolean {
    if (from === this.#accepted) {
      if (this.#lockedToSdp) this.#lastSdpUs = arrivalUs;
      return true;
    }
    const sdp = this.#sdp;
    if (sdp === undefined) return false;
    if (isSame(from, sdp)) {
      this.#lastSdpUs = arrivalUs;
      if (!this.#lockedToSdp) this.#lock(sdp, true);
      this.#accepted = from;
      return true;
    }
    if (!this.#lockedToSdp && this.#locked !== undefined && isSame(from, this.#locked)) {
      this.#accepted = from;
      return true;
    }
    return this.#considers(from, ssrc, sequenceNumber, arrivalUs);
  }

  #considers(
    from: SocketAddress,
    ssrc: number,
    sequenceNumber: number,
    arrivalUs: number,
  ): boolean {
    if (!this.isSdpSilent(arrivalUs)) return false;
    const isLockedElsewhere = this.#locked !== undefined && !this.#lockedToSdp;
    if (isLockedElsewhere && !this.#reopened) return false;
    if (!isIn(this.#allowed, from.address)) return false;
    const candidate = this.#candidateOf(from);
    if (candidate.ssrc === ssrc && candidate.expectedSequence === sequenceNumber) {
      candidate.packets += 1;
    } else {
      candidate.ssrc = ssrc;
      candidate.packets = 1;
    }
    candidate.expectedSequence = addSequence(sequenceNumber, 1);
    if (candidate.packets < PACKETS_TO_LOCK) return false;
    this.#lock({ address: from.address, port: from.port }, false);
    this.#accepted = from;
    return true;
  }

  #lock(source: SocketAddress, isSdp: boolean): void {
    this.#locked = source;
    this.#lockedToSdp = isSdp;
    this.#reopened = false;
    this.#candidates.length = 0;
  }

  #candidateOf(from: SocketAddress): Candidate {
    const known = this.#candidates.find((candidate) => isSame(from, candidate));
    if (known !== undefined) return known;
    // The one that was found first makes room: memory does not grow with the number of sources.
    if (this.#candidates.length === MAX_CANDIDATES) this.#candidates.shift();
    const { address, port } = from;
    const fresh = { address, port, ssrc: 0, expectedSequence: -1, packets: 0 };
    this.#candidates.push(fresh);
    return fresh;
  }
}

function isSame(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}

function isIn(list: BlockList, address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && list.check(address, family === 'IPv4' ? 'ipv4' : 'ipv6');
}

function blockListOf(sources: readonly string[]): BlockList {
  const list = new BlockList();
  for (const source of sources) {
    const [address = '', bits] = source.split('/', 2);
    const family = familyOf(address);
    if (family === undefined) continue;
    const type = family === 'IPv4' ? 'ipv4' : 'ipv6';
    const maxBits = family === 'IPv4' ? 32 : 128;
    const prefix = bits === undefined ? maxBits : Number(bits);
    if (!Number.isInteger(prefix) || prefix < 0 || prefix > maxBits) continue;
    list.addSubnet(address, prefix, type);
  }
  return list;
}
