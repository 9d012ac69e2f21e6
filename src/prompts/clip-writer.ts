import type { PlayedClip } from '../core/ports/call-media.ts';
import { Resampler } from '../media/resample/resampler.ts';

/** Makes a clip of samples at any rate, block by block, in memory that threads share. */
export class ClipWriter {
  readonly #clip: Int16Array<SharedArrayBuffer>;
  /** `undefined`: the rate is right as it is. */
  readonly #resampler: Resampler | undefined;
  #written = 0;

  /** @param samples that are written at most. */
  constructor(inputRateHz: number, outputRateHz: number, samples: number) {
    this.#resampler =
      inputRateHz === outputRateHz ? undefined : new Resampler(inputRateHz, outputRateHz);
    const room = this.#resampler?.mostFor(samples + this.#resampler.flushSamples) ?? samples;
    this.#clip = new Int16Array(new SharedArrayBuffer(room * Int16Array.BYTES_PER_ELEMENT));
  }

  /** Takes the first `count` samples. */
  write(samples: Int16Array, count: number): void {
    if (this.#resampler === undefined) {
      this.#clip.set(samples.subarray(0, count), this.#written);
      this.#written += count;
    } else {
      this.#written += this.#resampler.process(samples, 0, count, this.#clip, this.#written);
    }
  }

  /** The clip: as long in time as what was written. */
  finish(): PlayedClip {
    if (this.#resampler !== undefined && this.#written > 0) {
      this.#written += this.#resampler.flush(this.#clip, this.#written);
    }
    return this.#clip.subarray(0, this.#written);
  }
}
