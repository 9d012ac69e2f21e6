import { kaiserSinc } from '../../media/resample/kaiser.ts';
import { NARROW_SAMPLES, WIDE_SAMPLES } from './frame.ts';

/** Narrow samples on each side that a filtered one is made of. */
const REACH = 18;
/** Flat up to 3.4 kHz, as the upsampler of renderings. */
const BETA = 8.5;

const HALF = halfOfTaps();

/**
 * Between the two rates of a mix: sums of many voices, which may be larger than 16 bits, in frames of 20 ms.
 * Either way what comes out is `REACH` narrow samples late (2.25 ms), and ends at 4 kHz.
 */
export class WideningFilter {
  readonly #window = new Float32Array(2 * REACH + NARROW_SAMPLES);

  /** Takes the next frame. */
  push(narrow: Int32Array): void {
    const window = this.#window;
    window.copyWithin(0, NARROW_SAMPLES);
    for (let at = 0; at < NARROW_SAMPLES; at += 1) window[2 * REACH + at] = narrow[at] as number;
  }

  /** Adds what was pushed, and is to be heard now, to a frame of 16 kHz. */
  addTo(wide: Int32Array): void {
    const window = this.#window;
    for (let at = 0; at < NARROW_SAMPLES; at += 1) {
      const middle = at + REACH;
      let between = 0;
      for (let tap = 0; tap < REACH; tap += 1) {
        between +=
          ((window[middle - tap] as number) + (window[middle + 1 + tap] as number)) *
          (HALF[tap] as number);
      }
      wide[2 * at] = (wide[2 * at] as number) + (window[middle] as number);
      wide[2 * at + 1] = (wide[2 * at + 1] as number) + Math.round(between);
    }
  }
}

export class NarrowingFilter {
  readonly #window = new Float32Array(4 * REACH + WIDE_SAMPLES);

  /** Takes the next frame. */
  push(wide: Int32Array): void {
    const window = this.#window;
    window.copyWithin(0, WIDE_SAMPLES);
    for (let at = 0; at < WIDE_SAMPLES; at += 1) window[4 * REACH + at] = wide[at] as number;
  }

  /** Adds what was pushed, and is to be heard now, to a frame of 8 kHz. */
  addTo(narrow: Int32Array): void {
    const window = this.#window;
    for (let at = 0; at < NARROW_SAMPLES; at += 1) {
      const middle = 2 * at + 2 * REACH;
      let sum = window[middle] as number;
      for (let tap = 0; tap < REACH; tap += 1) {
        const away = 2 * tap + 1;
        sum +=
          ((window[middle - away] as number) + (window[middle + away] as number)) *
          (HALF[tap] as number);
      }
      narrow[at] = (narrow[at] as number) + Math.round(sum / 2);
    }
  }
}

/** Weights at 0.5, 1.5 … narrow samples away; both halves together pass 0 Hz unchanged. */
function halfOfTaps(): Float32Array {
  const raw = Array.from({ length: REACH }, (_, at) => kaiserSinc(at + 0.5, REACH, BETA));
  const sum = 2 * raw.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(raw, (tap) => tap / sum);
}
