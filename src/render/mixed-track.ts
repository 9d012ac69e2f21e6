import { HalfBandUpsampler, UPSAMPLER_ROOM } from '../media/resample/half-band-upsampler.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import { BLOCK_SAMPLES } from './timeline/constants.ts';
import type { TimelineSink } from './timeline/timeline.ts';

/** Of the file; twice the timeline's. */
export const FILE_RATE_HZ = 16_000;

/** Working memory of one track at a time, shared by all renderings of a thread. */
export function makeTrackWindow(): Float64Array {
  return new Float64Array(UPSAMPLER_ROOM + BLOCK_SAMPLES);
}

/** One mono track of 16 kHz: the sum of all sources, resampled once. */
export class MixedTrack implements TimelineSink {
  readonly #upsampler = new HalfBandUpsampler();
  readonly #window: Float64Array;
  #output: SampleBuffer | undefined;
  #samples = 0;

  constructor(window: Float64Array) {
    this.#window = window;
  }

  /** Where samples go until the next call; lent by the caller for one step. */
  lend(output: SampleBuffer | undefined): void {
    this.#output = output;
  }

  mixed(samples: Int32Array, from: number, to: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const count = to - from;
    const window = this.#window;
    for (let at = 0; at < count; at += 1) window[UPSAMPLER_ROOM + at] = samples[from + at] ?? 0;
    const into = output.reserve(2 * count);
    this.#note(output, this.#upsampler.process(window, count, into, output.length));
  }

  /** Brings the track to its length: what the filter held back comes, what is too much goes. */
  finish(samples: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const into = output.reserve(2 * UPSAMPLER_ROOM);
    this.#note(output, this.#upsampler.flush(this.#window, into, output.length));
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
