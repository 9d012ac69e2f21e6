import { BlockSum } from './block-sum.ts';
import { UPSAMPLER_DELAY } from '../media/resample/half-band-upsampler.ts';
import { BLOCK_SAMPLES } from './timeline/constants.ts';
import { makeSpanScratch, type SpanScratch } from './timeline/span.ts';

/**
 * Working memory of all renderings of a thread: what runs between two awaits needs it only then.
 */
export type RenderScratch = {
  readonly span: SpanScratch;
  /** One block for each channel; made as they are needed. */
  readonly sums: BlockSum[];
  /** One block of somebody who is not in the file. */
  readonly voice: BlockSum;
  /** One block at the rate of the file. */
  readonly track: Int16Array;
};

export function makeRenderScratch(): RenderScratch {
  return {
    span: makeSpanScratch(),
    sums: [],
    voice: new BlockSum(),
    track: new Int16Array(2 * BLOCK_SAMPLES + UPSAMPLER_DELAY),
  };
}

/** The first `count` sums, set to silence. */
export function silentSums(scratch: RenderScratch, count: number): readonly BlockSum[] {
  const { sums } = scratch;
  while (sums.length < count) sums.push(new BlockSum());
  for (let channel = 0; channel < count; channel += 1) sums[channel]?.clear();
  return sums;
}
