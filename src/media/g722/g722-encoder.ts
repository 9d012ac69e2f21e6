import type { AudioEncoder } from '../codec.ts';
import { Bands } from './bands.ts';
import { G722_RATE_HZ } from './g722-decoder.ts';
import { MirrorFilter } from './mirror-filter.ts';
import { HIGH_DECISION, LOW_DECISIONS } from './tables.ts';

/** Gain of the mirror filters, in bits, and the one bit by which bands are narrower. */
const FILTER_BITS = 14;
const MOST_CODE = LOW_DECISIONS.length;
const MIDDLE = 8;

/** G.722 at 64 kbit/s: a byte for every two samples. */
export class G722Encoder implements AudioEncoder {
  readonly sampleRateHz: number = G722_RATE_HZ;
  readonly #bands = new Bands();
  readonly #filter = new MirrorFilter();

  /** An odd last sample is left out. */
  encode(samples: Int16Array, into: Uint8Array): number {
    const count = samples.length >> 1;
    if (count > into.length) return 0;
    const bands = this.#bands;
    const filter = this.#filter;
    for (let at = 0; at < count; at += 1) {
      filter.push(samples[2 * at] as number, samples[2 * at + 1] as number); // inside
      const low = this.#lowCode((filter.second + filter.first) >> FILTER_BITS);
      const high = this.#highCode((filter.second - filter.first) >> FILTER_BITS);
      bands.moveLow(low);
      bands.moveHigh(high);
      into[at] = (high << 6) | low;
    }
    return count;
  }

  continueFrom(other: AudioEncoder): boolean {
    if (!(other instanceof G722Encoder)) return false;
    this.#bands.copy(other.#bands);
    this.#filter.copy(other.#filter);
    return true;
  }

  /** Nothing is held outside the heap. */
  close(): void {}

  /** Codes fall from the smallest difference to the largest: 61 to 32 for those above 0, 63, 62, 31 to 4 below. */
  #lowCode(sample: number): number {
    const { prediction, scale } = this.#bands.low;
    const difference = clip16(sample - prediction);
    const isNegative = difference < 0;
    const magnitude = ((isNegative ? ~difference : difference) + 1) << 10;
    let place = magnitude > (LOW_DECISIONS[MIDDLE] as number) * scale ? MIDDLE + 1 : 0;
    while (place < MOST_CODE && magnitude > (LOW_DECISIONS[place] as number) * scale) place += 1;
    return (isNegative ? (place < 2 ? 63 : 33) : 61) - place;
  }

  #highCode(sample: number): number {
    const { prediction, scale } = this.#bands.high;
    const difference = clip16(sample - prediction);
    const isSmall = (difference < 0 ? ~difference : difference) < (HIGH_DECISION * scale) >> 8;
    return (difference < 0 ? 0 : 2) + (isSmall ? 1 : 0);
  }
}

function clip16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}
