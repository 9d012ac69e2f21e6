import { kaiserSinc } from './kaiser.ts';
import { nearestFraction } from './nearest-fraction.ts';

/** Samples at the lower of the two rates, on each side, that an output sample is made of. */
const REACH = 24;
/** Flat up to 0.44 of the lower rate, below −75 dB from 0.56 of it on. */
const BETA = 8;
/** More phases than that are not kept: 11,025 to 16,000 Hz has 640, and no usual pair more. */
const MOST_PHASES = 640;
const BLOCK_SAMPLES = 1024;

/**
 * `exact`: the filter's delay is taken off, output n is the signal at n / output rate, and `flush` gives the
 * last ones. `live`: whole packets in, whole packets out at once, later by 24 samples at the lower rate.
 */
export type ResamplerAlignment = 'exact' | 'live';

/**
 * Changes the rate of a signal by a windowed sinc, in any steps: the output does not depend on how the input
 * is divided over the calls. A pair of rates that is no fraction of small numbers is taken as the nearest one.
 */
export class Resampler {
  /** Output samples per input sample: `#phases` / `#advance`. */
  readonly #phases: number;
  readonly #advance: number;
  readonly #taps: number;
  /** One row for each phase. */
  readonly #weights: Float32Array;
  /** What outputs to come are made of: one row of weights fits in at `#next`. */
  readonly #window: Float32Array;
  #held: number;
  #next = 0;
  #phase = 0;
  readonly #ahead: number;

  constructor(inputRateHz: number, outputRateHz: number, alignment: ResamplerAlignment = 'exact') {
    const [phases, advance] = nearestFraction(outputRateHz, inputRateHz, MOST_PHASES);
    this.#phases = phases;
    this.#advance = advance;
    const ahead = phases === advance ? 1 : Math.ceil(REACH * Math.max(1, advance / phases));
    this.#ahead = ahead;
    this.#taps = 2 * ahead;
    this.#weights = weightsOf(phases, advance, ahead);
    this.#window = new Float32Array(this.#taps + BLOCK_SAMPLES);
    // Silence stood before the first sample; `live` pretends that it goes on for as long as it looks ahead.
    this.#held = alignment === 'exact' ? ahead - 1 : 2 * ahead - 1;
  }

  /** Samples that `count` more of the input may give at most. */
  mostFor(count: number): number {
    return Math.ceil((count * this.#phases) / this.#advance) + 1;
  }

  /**
   * Takes the samples from `from` up to `to` (excluded).
   * @param into 16-bit output, clipped; needs `mostFor(to − from)` places from `at` on.
   * @returns samples written.
   */
  process(samples: Int16Array, from: number, to: number, into: Int16Array, at: number): number {
    let written = 0;
    for (let start = from; start < to; start += BLOCK_SAMPLES) {
      const end = Math.min(to, start + BLOCK_SAMPLES);
      for (let index = start; index < end; index += 1) {
        this.#window[this.#held] = samples[index] as number; // inside, by the contract
        this.#held += 1;
      }
      written += this.#run(into, at + written);
    }
    return written;
  }

  /** What is held back in `exact` alignment, as if silence followed; `mostFor(flushSamples)` places. */
  flush(into: Int16Array, at: number): number {
    let written = 0;
    for (let left = this.#ahead; left > 0; left -= BLOCK_SAMPLES) {
      const count = Math.min(left, BLOCK_SAMPLES);
      this.#window.fill(0, this.#held, this.#held + count);
      this.#held += count;
      written += this.#run(into, at + written);
    }
    return written;
  }

  /** Input samples that the output lags behind in `exact` alignment. */
  get flushSamples(): number {
    return this.#ahead;
  }

  #run(into: Int16Array, at: number): number {
    const window = this.#window;
    const weights = this.#weights;
    const taps = this.#taps;
    let written = 0;
    while (this.#next + taps <= this.#held) {
      const first = this.#next;
      const row = this.#phase * taps;
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) {
        sum += (window[first + tap] as number) * (weights[row + tap] as number); // inside
      }
      const rounded = Math.round(sum);
      into[at + written] = rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
      written += 1;
      this.#phase += this.#advance;
      const whole = Math.floor(this.#phase / this.#phases);
      this.#next += whole;
      this.#phase -= whole * this.#phases;
    }
    // Of a large step the window may hold none of what comes next.
    const dropped = Math.min(this.#next, this.#held);
    window.copyWithin(0, dropped, this.#held);
    this.#held -= dropped;
    this.#next -= dropped;
    return written;
  }
}

/** Row p: an output sample p / phases behind an input sample, from the samples around it. */
function weightsOf(phases: number, advance: number, ahead: number): Float32Array {
  const taps = 2 * ahead;
  const weights = new Float32Array(phases * taps);
  const band = Math.min(1, phases / advance);
  for (let phase = 0; phase < phases; phase += 1) {
    const row = Array.from({ length: taps }, (_, tap) =>
      kaiserSinc((tap - (ahead - 1) - phase / phases) * band, Math.min(REACH, ahead), BETA),
    );
    const total = row.reduce((sum, weight) => sum + weight, 0);
    row.forEach((weight, tap) => (weights[phase * taps + tap] = weight / total));
  }
  return weights;
}
