import type { AudioEncoder } from '../codec.ts';
import { OPUS, OPUS_RATE_HZ, type Libopus } from './libopus.ts';

/** Wide-band speech with forward error correction: libopus gives up the band below 20 kbit/s or so. */
const BIT_RATE = 24_000;
/** Half of the cost of the highest, 10. */
const COMPLEXITY = 5;
/** At 0 libopus adds no forward error correction at all. */
const EXPECTED_LOSS_PERCENT = 10;
/** Packets that libopus makes of one frame each; what lies between them, it does not make. */
const PACKET_TIMES_MS: readonly number[] = [10, 20, 40, 60];

export function isOpusPacketTime(packetTimeMs: number): boolean {
  return PACKET_TIMES_MS.includes(packetTimeMs);
}

/** Mono speech at 16 kHz, about 24 kbit/s, with in-band forward error correction. */
export class OpusEncoder implements AudioEncoder {
  readonly sampleRateHz: number = OPUS_RATE_HZ;
  readonly #libopus: Libopus;
  /** 0 once closed. */
  #encoder: number;

  constructor(libopus: Libopus) {
    this.#libopus = libopus;
    this.#encoder = libopus.createEncoder(OPUS.voip);
    libopus.setEncoder(this.#encoder, OPUS.setBitrate, BIT_RATE);
    libopus.setEncoder(this.#encoder, OPUS.setComplexity, COMPLEXITY);
    libopus.setEncoder(this.#encoder, OPUS.setSignal, OPUS.voice);
    libopus.setEncoder(this.#encoder, OPUS.setInBandFec, 1);
    libopus.setEncoder(this.#encoder, OPUS.setPacketLossPercent, EXPECTED_LOSS_PERCENT);
  }

  /** 0 for other lengths than 10, 20, 40 and 60 ms. */
  encode(samples: Int16Array, into: Uint8Array): number {
    const packetTimeMs = (samples.length * 1000) / OPUS_RATE_HZ;
    if (this.#encoder === 0 || !isOpusPacketTime(packetTimeMs)) return 0;
    this.#libopus.samples.set(samples);
    const made = this.#libopus.encode(this.#encoder, samples.length, into.length);
    const { packet } = this.#libopus;
    for (let at = 0; at < made; at += 1) into[at] = packet[at] as number; // inside: `made` is checked
    return Math.max(0, made);
  }

  close(): void {
    if (this.#encoder === 0) return;
    this.#libopus.destroyEncoder(this.#encoder);
    this.#encoder = 0;
  }
}
