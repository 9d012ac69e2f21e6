import { kaiserSinc } from './kaiser.ts';

/** Samples on each side at odd distances that have a weight: those at even ones have none. */
const REACH = 24;
/** Flat up to 3.5 kHz (to 8 kHz), below −75 dB from 4.5 kHz on. */
const BETA = 8;
const HISTORY = 4 * REACH - 2;
/** Input samples by which the output is late. */
const DELAY = 2 * REACH - 1;
/** Most input samples of a call: 60 ms at 48 kHz. */
const BLOCK_SAMPLES = 2880;

const HALF = halfOfTaps();

/**
 * Halves the rate of a live signal: half as many samples out as in, at once, 47 input samples late. The output
 * does not depend on how the input is divided over the calls.
 */
export class HalfBandDownsampler {
  readonly #window = new Float32Array(HISTORY + BLOCK_SAMPLES);

  /** Takes the first `count` samples, an even number up to 2,880, and writes half as many. */
  process(samples: Int16Array, count: number, into: Int16Array): number {
    const window = this.#window;
    for (let at = 0; at < count; at += 1) window[HISTORY + at] = samples[at] as number; // inside
    const made = count >> 1;
    for (let out = 0; out < made; out += 1) {
      const middle = 2 * out + HISTORY - DELAY;
      let sum = (window[middle] as number) * 0.5;
      for (let tap = 0; tap < REACH; tap += 1) {
        const away = 2 * tap + 1;
        sum +=
          ((window[middle - away] as number) + (window[middle + away] as number)) *
          (HALF[tap] as number);
      }
      const rounded = Math.round(sum);
      into[out] = rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
    }
    window.copyWithin(0, count, count + HISTORY);
    return made;
  }
}

/** Weights of the samples 1, 3, 5 … away; both halves and the middle together pass 0 Hz unchanged. */
function halfOfTaps(): Float32Array {
  const raw = Array.from({ length: REACH }, (_, at) => kaiserSinc(at + 0.5, REACH, BETA));
  const sum = raw.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(raw, (tap) => tap / sum / 4);
}
