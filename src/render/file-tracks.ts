import type { BlockSum } from './block-sum.ts';
import { HalfBandUpsampler, UPSAMPLER_DELAY } from '../media/resample/half-band-upsampler.ts';
import type { ChannelMap } from './channel-map.ts';
import type { ChunkCutter } from './chunk-cutter.ts';
import { silentSums, type RenderScratch } from './render-scratch.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { Block, BlockSink, HeardParts } from './timeline/block-sink.ts';

/** Of the file; twice the timeline's. */
export const FILE_RATE_HZ = 16_000;

/** What the filters have to have heard before a sample to give the same as if they had heard all. */
const WARM_UP_SAMPLES = UPSAMPLER_DELAY;

export type TracksOptions = {
  readonly scratch: RenderScratch;
  /** Who is on which channel; `undefined`: everybody and everything on the only one. */
  readonly map: ChannelMap | undefined;
  /** By how many of the map's decisions. */
  readonly decided: number;
  /** The first sample that is wanted, of the whole file at 8 kHz. What is before is not computed. */
  readonly start: number;
  readonly cutter: ChunkCutter;
};

/**
 * The channels of a file, 16-bit at 16 kHz: sums of voices; that of the voices of 8 kHz is resampled once,
 * that of 16 kHz is added to it.
 */
export class FileTracks implements BlockSink {
  readonly channels: number;
  readonly #options: TracksOptions;
  readonly #upsamplers: readonly HalfBandUpsampler[];
  #output: SampleBuffer | undefined;
  /** Samples of the file, at 8 kHz, in the blocks so far. */
  #heard = 0;
  #frames: number;
  /** Frames that the filters give before the first wanted one; `undefined` until they hear something. */
  #superfluous: number | undefined;
  #sums: readonly BlockSum[] | undefined;
  #parts: HeardParts | undefined;
  #isListening = false;

  constructor(options: TracksOptions) {
    this.#options = options;
    this.channels = options.map?.channels(options.decided) ?? 1;
    this.#upsamplers = Array.from({ length: this.channels }, () => new HalfBandUpsampler());
    this.#frames = 2 * options.start;
  }

  /** Where samples go until the next call; lent by the caller for one step. */
  lend(output: SampleBuffer | undefined): void {
    this.#output = output;
  }

  /** Samples of the file at 8 kHz that were taken. */
  get heard(): number {
    return this.#heard;
  }

  /** Behind the last frame that was made, counted over the whole file. */
  get frames(): number {
    return this.#frames;
  }

  begin(block: Block): void {
    const { scratch, start } = this.#options;
    const { heard } = block;
    const end = this.#heard + lengthOf(heard);
    const isWanted = end > this.#heard && end > start - WARM_UP_SAMPLES;
    this.#sums = isWanted ? silentSums(scratch, this.channels) : undefined;
    this.#parts = heard;
    if (isWanted) this.#superfluous ??= 2 * (start - this.#heard);
  }

  sumOf(voice: string | undefined): BlockSum | undefined {
    const { map, decided, scratch } = this.#options;
    if (map === undefined) return this.#sums?.[0];
    const channel = map.channelOf(voice, decided);
    if (channel !== undefined) return this.#sums?.[channel];
    if (this.#parts?.length === 0 || !map.awaits(voice, this.#heard)) return undefined;
    this.#isListening = true;
    return scratch.voice.clear();
  }

  voiceDone(voice: string | undefined): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    const { map, scratch } = this.#options;
    if (map === undefined || this.#parts === undefined) return;
    map.listen(voice, this.#heard, scratch.voice, this.#parts);
  }

  end(block: Block): void {
    const { map, cutter } = this.#options;
    const { heard } = block;
    for (let part = 0; part < heard.length; part += 1) {
      const from = heard.from[part] ?? 0;
      const to = heard.to[part] ?? 0;
      cutter.pass(this.#heard, to - from, block.start + from, block.latePackets);
      if (this.#sums !== undefined) this.#resample(this.#sums, from, to);
      this.#heard += to - from;
    }
    map?.settle(this.#heard);
  }

  /** Brings the file to its length: what the filters held back comes, what is too much goes. */
  finish(frames: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const { track } = this.#options.scratch;
    this.#upsamplers.forEach((upsampler, channel) => {
      this.#put(channel, track, upsampler.flush(track, 0), output);
    });
    this.#advance(this.#count, output);
    this.clip(frames);
  }

  /** Takes back what goes beyond so many frames of the file. */
  clip(frames: number): void {
    const excess = Math.max(0, this.#frames - frames);
    this.#output?.advance(-excess * this.channels);
    this.#frames -= excess;
  }

  #count = 0;

  #resample(sums: readonly BlockSum[], from: number, to: number): void {
    const output = this.#output;
    if (output === undefined) return;
    const { track } = this.#options.scratch;
    const [only] = this.#upsamplers;
    const [sum] = sums;
    if (this.channels === 1 && this.#superfluous === 0 && only !== undefined && sum !== undefined) {
      // The usual case, without a copy.
      const into = output.reserve(2 * (to - from));
      this.#advance(only.process(sum.narrow, from, to, into, output.length, sum.wide), output);
      return;
    }
    for (let channel = 0; channel < this.channels; channel += 1) {
      const upsampler = this.#upsamplers[channel];
      const blockSum = sums[channel];
      if (upsampler === undefined || blockSum === undefined) continue;
      const { narrow, wide } = blockSum;
      this.#put(channel, track, upsampler.process(narrow, from, to, track, 0, wide), output);
    }
    this.#advance(this.#count, output);
  }

  /** Interleaves what one channel gave; all give the same number of samples. */
  #put(channel: number, track: Int16Array, made: number, output: SampleBuffer): void {
    const skipped = Math.min(made, this.#superfluous ?? 0);
    const { channels } = this;
    const into = output.reserve((made - skipped) * channels);
    let at = output.length + channel;
    for (let index = skipped; index < made; index += 1, at += channels) {
      into[at] = track[index] as number; // inside: `made` samples were written
    }
    this.#count = made;
  }

  #advance(made: number, output: SampleBuffer): void {
    const skipped = Math.min(made, this.#superfluous ?? 0);
    if (skipped > 0) this.#superfluous = (this.#superfluous ?? 0) - skipped;
    output.advance((made - skipped) * this.channels);
    this.#frames += made - skipped;
  }
}

function lengthOf(heard: HeardParts): number {
  let length = 0;
  for (let part = 0; part < heard.length; part += 1) {
    length += (heard.to[part] ?? 0) - (heard.from[part] ?? 0);
  }
  return length;
}
