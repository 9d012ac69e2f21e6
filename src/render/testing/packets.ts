import { RTP_FIXED_HEADER_BYTES, writeRtpHeader } from '../../protocols/rtp/header.ts';

/** A packet as a test plans it; sequence number and timestamp are wrapped when it is written. */
export type PlannedPacket = {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly arrivalUs: number;
  readonly payload: Uint8Array;
};

export type Talk = {
  readonly ssrc: number;
  /** Of the first packet. Default 1. */
  readonly sequence?: number;
  /** Of the first sample. Default 0. */
  readonly timestamp?: number;
  /** When the first packet is sent. */
  readonly startUs: number;
  /** The sender's clock runs this much too fast. Default 0. */
  readonly driftPpm?: number;
  /** Samples in a packet. Default 160. */
  readonly packetSamples?: number;
  /** Default 0, PCMU. */
  readonly payloadType?: number;
};

/** A steady sender's packets, undisturbed: packet n leaves when its first sample is spoken. */
export function talk(plan: Talk, codes: Uint8Array): PlannedPacket[] {
  const { ssrc, startUs } = plan;
  const { sequence = 1, timestamp = 0, driftPpm = 0, packetSamples = 160, payloadType = 0 } = plan;
  const packets: PlannedPacket[] = [];
  const sampleUs = 125 / (1 + driftPpm / 1_000_000);
  for (let at = 0; at < codes.length; at += packetSamples) {
    packets.push({
      ssrc,
      sequence: sequence + packets.length,
      timestamp: timestamp + at,
      payloadType,
      arrivalUs: startUs + at * sampleUs,
      payload: codes.subarray(at, at + packetSamples),
    });
  }
  return packets;
}

export type Impairment = {
  /** Share of packets that never come. */
  readonly loss: number;
  /** Each packet is delayed by up to this, evenly. */
  readonly jitterUs: number;
  /** Share of packets that come in the place of the one after. */
  readonly reordered: number;
  /** Share of packets that come twice. */
  readonly duplicated: number;
};

/** What a bad network makes of packets. The same `random` (0…1) gives the same. */
export function impair(
  packets: readonly PlannedPacket[],
  network: Impairment,
  random: () => number,
): PlannedPacket[] {
  const arrived: PlannedPacket[] = [];
  for (const packet of packets) {
    if (random() < network.loss) continue;
    const swapUs = random() < network.reordered ? 25_000 : 0;
    const arrivalUs = packet.arrivalUs + random() * network.jitterUs + swapUs;
    arrived.push({ ...packet, arrivalUs });
    if (random() < network.duplicated) {
      arrived.push({ ...packet, arrivalUs: arrivalUs + random() * network.jitterUs });
    }
  }
  return arrived;
}

/** Mulberry32: numbers from 0 to 1 that depend on the seed alone. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The datagram of a planned packet. */
export function datagramOf(packet: PlannedPacket): Uint8Array {
  const datagram = new Uint8Array(RTP_FIXED_HEADER_BYTES + packet.payload.length);
  const { payloadType, sequence, timestamp, ssrc } = packet;
  writeRtpHeader(datagram, false, payloadType, sequence & 0xffff, timestamp >>> 0, ssrc);
  datagram.set(packet.payload, RTP_FIXED_HEADER_BYTES);
  return datagram;
}
