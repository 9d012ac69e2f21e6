import type { AudioDecoder } from '../codec.ts';
import { PeriodRepeater } from './period-repeater.ts';

/** A codec that knows nothing of lost packets. */
export interface PlainDecoder {
  readonly sampleRateHz: number;
  /** As `AudioDecoder.decode`. */
  decode(payload: Uint8Array, into: Int16Array): number;
}

/** Gives a codec the concealment that it lacks. Packets of it tell nothing of the ones before. */
export class ConcealingDecoder implements AudioDecoder {
  readonly sampleRateHz: number;
  readonly #decoder: PlainDecoder;
  readonly #repeater: PeriodRepeater;

  constructor(decoder: PlainDecoder) {
    this.sampleRateHz = decoder.sampleRateHz;
    this.#decoder = decoder;
    this.#repeater = new PeriodRepeater(decoder.sampleRateHz);
  }

  decode(payload: Uint8Array, into: Int16Array): number {
    const count = this.#decoder.decode(payload, into);
    if (count > 0) this.#repeater.heard(into, count);
    return count;
  }

  conceal(count: number, into: Int16Array): number {
    const wanted = Math.min(count, into.length);
    this.#repeater.conceal(wanted, into);
    return wanted;
  }

  recover(_payload: Uint8Array, count: number, into: Int16Array): number {
    return this.conceal(count, into);
  }

  /** Nothing is held outside the heap. */
  close(): void {}
}
