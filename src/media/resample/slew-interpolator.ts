import { kaiserSinc } from './kaiser.ts';

/** Samples that must be there on each side of a position. */
export const INTERPOLATOR_REACH = 16;

const TAPS = 2 * INTERPOLATOR_REACH;
/** Worst error between 0 and 3.4 kHz (at 8 kHz) is −69 dB, that of the phase table included. */
const BETA = 7.5;
/** Between two phases weights are interpolated in a straight line: an error of −97 dB. */
const PHASES = 256;

const WEIGHTS = phaseTable();

/**
 * Adds a signal to a sum while its position moves at another pace than the sum's: sample `n` is
 * `source` at the position `position + n × step`, interpolated and rounded. This is how a stream
 * follows the drift of its clock without clicks.
 * @param source needs 15 samples before the first position and 17 after the last.
 * @param step source samples per sample of the sum, near 1: nothing is filtered.
 */
export function addSlewed(
  sum: Int32Array,
  at: number,
  count: number,
  source: Float64Array,
  position: number,
  step: number,
): void {
  for (let n = 0; n < count; n += 1) {
    const exact = position + n * step;
    const whole = Math.floor(exact);
    const phase = (exact - whole) * PHASES;
    const row = Math.floor(phase);
    const part = phase - row;
    const first = whole - INTERPOLATOR_REACH + 1;
    const weights = row * TAPS;
    let low = 0;
    let high = 0;
    for (let tap = 0; tap < TAPS; tap += 1) {
      const sample = source[first + tap] ?? 0;
      low += sample * (WEIGHTS[weights + tap] ?? 0);
      high += sample * (WEIGHTS[weights + TAPS + tap] ?? 0);
    }
    sum[at + n] = (sum[at + n] ?? 0) + Math.round(low + (high - low) * part);
  }
}

/** One row of weights per 1/256 of a sample, and the one of a whole sample at the end. */
function phaseTable(): Float64Array {
  const table = new Float64Array((PHASES + 1) * TAPS);
  for (let row = 0; row <= PHASES; row += 1) {
    const weights = Array.from({ length: TAPS }, (_, tap) =>
      kaiserSinc(tap - (INTERPOLATOR_REACH - 1) - row / PHASES, INTERPOLATOR_REACH, BETA),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, tap) => (table[row * TAPS + tap] = weight / total));
  }
  return table;
}
