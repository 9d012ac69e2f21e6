import { canTellApart, HELD_SAMPLES, hold, noteExtremes } from './extremes-kernel.ts';

/** Samples in a point at first; doubled whenever the points become too many. */
const FIRST_SAMPLES_PER_POINT = 256;
const FIRST_POINTS = 256;
/** Enough for the widest screen, and small for a recording of any length. */
const MAX_POINTS = 4096;
/** Eight bits are shown of sixteen. */
const QUANTUM = 256;

/**
 * The outline of a recording for display: the lowest and the highest sample of each stretch, per
 * channel. Memory is bounded: of a longer recording a point stands for more samples.
 */
export class WaveformPeaks {
  readonly #channels: number;
  readonly #sampleRateHz: number;
  /** Lowest and highest of each channel, point after point. */
  #points: Int8Array;
  #count = 0;
  #samplesPerPoint = FIRST_SAMPLES_PER_POINT;
  /** Frames in the point that is being made. */
  #frames = 0;
  readonly #low: Int16Array;
  readonly #high: Int16Array;

  constructor(channels: number, sampleRateHz: number) {
    this.#channels = channels;
    this.#sampleRateHz = sampleRateHz;
    this.#points = new Int8Array(FIRST_POINTS * 2 * channels);
    this.#low = new Int16Array(channels).fill(32_767);
    this.#high = new Int16Array(channels).fill(-32_768);
  }

  /** Interleaved samples `from…to` (excluded), whole frames, cut in any way. */
  process(samples: Int16Array, from: number, to: number): void {
    if (!canTellApart(this.#channels)) {
      this.#take(samples, from, to, undefined);
      return;
    }
    for (let start = from; start < to; start += HELD_SAMPLES) {
      const end = Math.min(to, start + HELD_SAMPLES);
      hold(samples, start, end);
      this.#take(samples, start, end, start);
    }
  }

  /** The format of BBC's `audiowaveform`, version 2. What was begun is the last point; call it once. */
  toJson(): string {
    if (this.#frames > 0) this.#closePoint();
    return JSON.stringify({
      version: 2,
      channels: this.#channels,
      sample_rate: this.#sampleRateHz,
      samples_per_pixel: this.#samplesPerPoint,
      bits: 8,
      length: this.#count,
      data: Array.from(this.#points.subarray(0, this.#count * 2 * this.#channels)),
    });
  }

  /** @param heldFrom the first of those that the kernel holds; `undefined` if it holds none. */
  #take(samples: Int16Array, from: number, to: number, heldFrom: number | undefined): void {
    const channels = this.#channels;
    for (let at = from; at < to;) {
      const room = (this.#samplesPerPoint - this.#frames) * channels;
      const end = Math.min(to, at + room);
      let rest = at;
      if (heldFrom !== undefined) {
        rest = heldFrom + noteExtremes(this.#low, this.#high, at - heldFrom, end - heldFrom);
      }
      this.#takeRest(samples, rest, end);
      this.#frames += (end - at) / channels;
      at = end;
      if (this.#frames === this.#samplesPerPoint) this.#closePoint();
    }
  }

  #takeRest(samples: Int16Array, from: number, to: number): void {
    const channels = this.#channels;
    for (let at = from, channel = 0; at < to; at += 1) {
      const sample = samples[at] as number; // inside, by the contract
      if (sample < (this.#low[channel] as number)) this.#low[channel] = sample;
      if (sample > (this.#high[channel] as number)) this.#high[channel] = sample;
      channel = channel + 1 === channels ? 0 : channel + 1;
    }
  }

  #closePoint(): void {
    const width = 2 * this.#channels;
    if ((this.#count + 1) * width > this.#points.length) this.#makeRoom(width);
    for (let channel = 0; channel < this.#channels; channel += 1) {
      const at = this.#count * width + 2 * channel;
      this.#points[at] = (this.#low[channel] ?? 0) / QUANTUM;
      this.#points[at + 1] = (this.#high[channel] ?? 0) / QUANTUM;
    }
    this.#low.fill(32_767);
    this.#high.fill(-32_768);
    this.#frames = 0;
    this.#count += 1;
    if (this.#count === MAX_POINTS) this.#halve(width);
  }

  #makeRoom(width: number): void {
    const grown = new Int8Array(Math.min(2 * this.#points.length, MAX_POINTS * width));
    grown.set(this.#points);
    this.#points = grown;
  }

  /** Two points become one. */
  #halve(width: number): void {
    const points = this.#points;
    this.#count /= 2;
    this.#samplesPerPoint *= 2;
    for (let point = 0; point < this.#count; point += 1) {
      for (let at = 0; at < width; at += 1) {
        const first = points[2 * point * width + at] ?? 0;
        const second = points[(2 * point + 1) * width + at] ?? 0;
        points[point * width + at] =
          at % 2 === 0 ? Math.min(first, second) : Math.max(first, second);
      }
    }
  }
}
