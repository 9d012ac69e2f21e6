import { addSlewed, INTERPOLATOR_REACH } from '../../media/resample/slew-interpolator.ts';
import { WIDE_SAMPLES } from './frame.ts';

/** More than the longest packet and two frames, at 16 kHz. */
const CAPACITY = 4_096;
/** What was taken last is kept: samples between two others are made of it, too. */
const KEPT = INTERPOLATOR_REACH;

/** For all queues of a thread. */
const NEIGHBOURHOOD = new Float64Array(WIDE_SAMPLES + 4 * INTERPOLATOR_REACH);
const SLEWED = new Int32Array(WIDE_SAMPLES);

/** Samples of a voice between its decoder and its frames. Of more than it can hold, the oldest go. */
export class SampleQueue {
  readonly #samples = new Int16Array(CAPACITY);
  #begin = KEPT;
  #end = KEPT;

  get size(): number {
    return this.#end - this.#begin;
  }

  /** The first `count` of `samples`. */
  append(samples: Int16Array, count: number): void {
    const taken = this.#makeRoom(count);
    for (let at = count - taken; at < count; at += 1) {
      this.#samples[this.#end++] = samples[at] as number; // inside, by the contract
    }
  }

  appendSilence(count: number): void {
    const taken = this.#makeRoom(count);
    this.#samples.fill(0, this.#end, this.#end + taken);
    this.#end += taken;
  }

  /** Moves `count` samples, which must be there, to the start of `into`. */
  take(into: Int16Array, count: number): void {
    for (let at = 0; at < count; at += 1) into[at] = this.#samples[this.#begin + at] as number;
    this.#begin += count;
  }

  /**
   * Fills `into` with what lasts a little less or more: `used` samples, which must be there. Those behind
   * them are looked at if they are there, too: best are `INTERPOLATOR_REACH` + 1.
   */
  takeSlewed(into: Int16Array, used: number): void {
    const { length } = into;
    const from = this.#begin - KEPT;
    const last = this.#end - 1;
    const looked = KEPT + used + KEPT + 1;
    for (let at = 0; at < looked; at += 1) {
      NEIGHBOURHOOD[at] = this.#samples[Math.min(from + at, last)] as number; // inside
    }
    SLEWED.fill(0, 0, length);
    addSlewed(SLEWED, 0, length, NEIGHBOURHOOD, KEPT, used / length);
    for (let at = 0; at < length; at += 1) {
      const value = SLEWED[at] as number; // inside
      into[at] = value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
    }
    this.#begin += used;
  }

  clear(): void {
    this.#begin = this.#end;
  }

  /** Returns how many of `count` there is room for: mostly all. */
  #makeRoom(count: number): number {
    if (this.#end + count <= CAPACITY) return count;
    const taken = Math.min(count, CAPACITY - KEPT);
    const kept = Math.min(this.size, CAPACITY - KEPT - taken);
    const from = this.#end - kept - KEPT;
    this.#samples.copyWithin(0, from, this.#end);
    this.#begin = KEPT;
    this.#end = KEPT + kept;
    return taken;
  }
}
