import type { AudioDecoder } from '../codec.ts';
import { MOST_OPUS_BYTES, MOST_OPUS_SAMPLES, OPUS_RATE_HZ, type Libopus } from './libopus.ts';

/** 2.5 ms: libopus invents samples by these only. */
const STEP_SAMPLES = OPUS_RATE_HZ / 400;

/** Opus at 16 kHz and mono, whatever was encoded (RFC 6716: a decoder chooses). */
export class OpusDecoder implements AudioDecoder {
  readonly sampleRateHz: number = OPUS_RATE_HZ;
  readonly #libopus: Libopus;
  /** 0 once closed. */
  #decoder: number;

  constructor(libopus: Libopus) {
    this.#libopus = libopus;
    this.#decoder = libopus.createDecoder();
  }

  decode(payload: Uint8Array, into: Int16Array): number {
    if (this.#decoder === 0 || !this.#put(payload)) return 0;
    const room = Math.min(into.length, MOST_OPUS_SAMPLES);
    const count = this.#libopus.decode(this.#decoder, payload.length, room, 0);
    return count > 0 ? this.#take(0, count, into, 0) : 0;
  }

  conceal(count: number, into: Int16Array): number {
    const wanted = Math.min(count, into.length);
    let written = 0;
    while (this.#decoder !== 0 && written < wanted) {
      const part = Math.min(wanted - written, MOST_OPUS_SAMPLES);
      if (this.#libopus.decode(this.#decoder, 0, wholeSteps(part), 0) < part) break;
      written += this.#take(0, part, into, written);
    }
    return written;
  }

  recover(payload: Uint8Array, count: number, into: Int16Array): number {
    const wanted = Math.min(count, into.length);
    // A packet tells of the one before it only; what was lost before that is guessed.
    const told = Math.min(wanted, MOST_OPUS_SAMPLES);
    const guessed = this.conceal(wanted - told, into);
    if (this.#decoder === 0 || told === 0 || !this.#put(payload)) {
      return guessed + this.conceal(told, into.subarray(guessed));
    }
    const steps = wholeSteps(told);
    const made = this.#libopus.decode(this.#decoder, payload.length, steps, 1);
    if (made < steps) return guessed + this.conceal(told, into.subarray(guessed));
    // What it tells ends where the packet begins: of too many samples the last ones are right.
    return guessed + this.#take(steps - told, told, into, guessed);
  }

  close(): void {
    if (this.#decoder === 0) return;
    this.#libopus.destroyDecoder(this.#decoder);
    this.#decoder = 0;
  }

  #put(payload: Uint8Array): boolean {
    if (payload.length === 0 || payload.length > MOST_OPUS_BYTES) return false;
    this.#libopus.packet.set(payload);
    return true;
  }

  #take(from: number, count: number, into: Int16Array, at: number): number {
    const { samples } = this.#libopus;
    for (let index = 0; index < count; index += 1) {
      into[at + index] = samples[from + index] as number; // inside, by libopus' word
    }
    return count;
  }
}

function wholeSteps(count: number): number {
  return Math.ceil(count / STEP_SAMPLES) * STEP_SAMPLES;
}
