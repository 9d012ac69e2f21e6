import { kaiserSinc } from '../media/resample/kaiser.ts';
import { BLOCK_SAMPLES } from './timeline/constants.ts';

/** Odd distances on each side that have a weight: from 4.9 kHz on at least 40 dB are taken away. */
const REACH = 9;
const BETA = 5;
/** Samples that are needed before a new one. */
const HISTORY = 4 * REACH - 2;

const WEIGHTS = weights();
/** One block with what came before it, for all of a thread: nothing is kept here between two calls. */
const room = new Int32Array(HISTORY + 2 * BLOCK_SAMPLES);

/**
 * Halves the rate of somebody's sound for the ears of the voice detector, which are those of a telephone.
 * Its result is not for people, and comes about a millisecond late.
 */
export class SoundDecimator {
  readonly #history = new Int32Array(HISTORY);

  /** Adds `wide[2·from…2·to)` at half the rate to `narrow[from…to)`. Cut in any way, all in order. */
  addTo(narrow: Int32Array, wide: Int32Array, from: number, to: number): void {
    const count = 2 * (to - from);
    room.set(this.#history);
    room.set(wide.subarray(2 * from, 2 * to), HISTORY);
    for (let at = 0; at < count; at += 2) {
      const middle = at + HISTORY / 2;
      let sum = (room[middle] as number) / 2; // all indices are inside the room
      for (let index = 0; index < REACH; index += 1) {
        const away = 2 * index + 1;
        const pair = (room[middle - away] as number) + (room[middle + away] as number);
        sum += pair * (WEIGHTS[index] as number);
      }
      const into = from + at / 2;
      narrow[into] = (narrow[into] as number) + Math.round(sum);
    }
    this.#history.set(room.subarray(count, count + HISTORY));
  }
}

/** Of the samples 1, 3, 5 … away; with the half in the middle they pass 0 Hz unchanged. */
function weights(): Float64Array {
  const raw = Array.from({ length: REACH }, (_, at) => kaiserSinc(at + 0.5, REACH, BETA));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return Float64Array.from(raw, (weight) => weight / (4 * sum));
}
