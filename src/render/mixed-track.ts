import { HalfBandUpsampler, UPSAMPLER_DELAY } from '../media/resample/half-band-upsampler.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { TimelineSink } from './timeline/timeline.ts';

/** Of the file; twice the timeline's. */
export const FILE_RATE_HZ = 16_000;

/** One mono track of 16 kHz: the sum of all sources, resampled once. */
export class MixedTrack implements TimelineSink {
  readonly #upsampler = new HalfBandUpsampler();
  #output: SampleBuffer | undefined;
  #samples = 0;

  /** Where samples go until the next call; lent by the caller for one step. */
  lend(output: SampleBuffer | undefined): void {
    this.#output = output;
  }

  mixed(samples: Int32Array, from: number, to: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const into = output.reserve(2 * (to - from));
    this.#note(output, this.#upsampler.process(samples, from, to, into, output.length));
  }

  /** Brings the track to its length: what the filter held back comes, what is too much goes. */
  finish(samples: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const into = output.reserve(UPSAMPLER_DELAY);
    this.#note(output, this.#upsampler.flush(into, output.length));
    if (this.#samples > samples) this.#note(output, samples - this.#samples);
  }

  /** Samples that were made so far. */
  get samples(): number {
    return this.#samples;
  }

  #note(output: SampleBuffer, count: number): void {
    output.advance(count);
    this.#samples += count;
  }
}
