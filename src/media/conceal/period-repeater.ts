/**
 * What stands in for lost packets of a codec that has no concealment of its own, after ITU-T G.711
 * Appendix I: the last period of the voice is repeated and fades; where the stream goes on, the two are
 * blended. Unlike there, nothing is held back: what was heard last has gone out already, so the repetition is
 * bent to begin where it ended.
 */

/** A voice between 66 and 400 Hz. */
const LONGEST_PERIOD_MS = 15;
const SHORTEST_PERIOD_MS = 2.5;
/** That the likeness of two periods is judged by. */
const COMPARED_MS = 15;
/** Over which one signal passes into another. */
const BLEND_MS = 3;
/** The repetition keeps its level so long… */
const STEADY_MS = 10;
/** … and is silent after this: longer repetitions buzz. */
const SILENT_MS = 60;

export class PeriodRepeater {
  readonly #history: Int16Array;
  readonly #period: Float32Array;
  readonly #shortest: number;
  readonly #longest: number;
  readonly #compared: number;
  readonly #blend: number;
  readonly #steady: number;
  readonly #fade: number;
  #periodSamples = 0;
  /** Samples of the present gap that were made up so far; 0 while the stream is heard. */
  #made = 0;
  /** How far the repetition begins beside what was heard. */
  #step = 0;

  constructor(sampleRateHz: number) {
    const samplesIn = (ms: number): number => Math.round((ms * sampleRateHz) / 1000);
    this.#shortest = samplesIn(SHORTEST_PERIOD_MS);
    this.#longest = samplesIn(LONGEST_PERIOD_MS);
    this.#compared = samplesIn(COMPARED_MS);
    this.#blend = samplesIn(BLEND_MS);
    this.#steady = samplesIn(STEADY_MS);
    this.#fade = samplesIn(SILENT_MS) - this.#steady;
    this.#history = new Int16Array(this.#longest + this.#compared + 1);
    this.#period = new Float32Array(this.#longest);
  }

  /** Takes note of `count` samples that were heard; the first ones after a gap are blended with it. */
  heard(samples: Int16Array, count: number): void {
    if (this.#made > 0) this.#blendInto(samples, count);
    const history = this.#history;
    const { length } = history;
    const kept = Math.min(count, length);
    history.copyWithin(0, kept);
    // Without a view: one for every packet would be garbage.
    for (let at = 0; at < kept; at += 1) {
      history[length - kept + at] = samples[count - kept + at] as number; // inside, by `count`
    }
  }

  /** Writes `count` samples in place of what is missing; `into` has room for them. */
  conceal(count: number, into: Int16Array): void {
    if (this.#made === 0) this.#findPeriod();
    for (let at = 0; at < count; at += 1) into[at] = Math.round(this.#next());
  }

  #blendInto(samples: Int16Array, count: number): void {
    const blended = Math.min(count, this.#blend);
    for (let at = 0; at < blended; at += 1) {
      const part = (at + 1) / (blended + 1);
      const guessed = this.#next();
      samples[at] = Math.round(guessed + ((samples[at] as number) - guessed) * part); // inside
    }
    this.#made = 0;
  }

  /** The next sample of the repetition. */
  #next(): number {
    const at = this.#made;
    this.#made += 1;
    const gain = at < this.#steady ? 1 : 1 - (at - this.#steady) / this.#fade;
    if (gain <= 0) return 0;
    const bend = at < this.#blend ? this.#step * (1 - at / this.#blend) : 0;
    const sample = ((this.#period[at % this.#periodSamples] as number) + bend) * gain; // inside
    return sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : sample;
  }

  #findPeriod(): void {
    const history = this.#history;
    const end = history.length;
    const period = this.#mostLike();
    const begin = end - period;
    for (let at = 0; at < period; at += 1) this.#period[at] = history[begin + at] as number;
    // The end of the period passes into what stood before its beginning, so that the loop is closed.
    const blended = Math.min(this.#blend, period >> 2);
    for (let at = 0; at < blended; at += 1) {
      const part = (at + 1) / (blended + 1);
      const place = period - blended + at;
      const own = this.#period[place] as number;
      const before = history[begin - blended + at] as number;
      this.#period[place] = own + (before - own) * part;
    }
    this.#periodSamples = period;
    this.#step = (history[end - 1] as number) - (history[begin - 1] as number);
  }

  /** The distance at which the last samples are most like what stood before them. */
  #mostLike(): number {
    const history = this.#history;
    const end = history.length;
    let best = this.#longest;
    let bestLikeness = 0;
    for (let distance = this.#shortest; distance <= this.#longest; distance += 1) {
      let product = 0;
      let energy = 1;
      for (let at = end - this.#compared; at < end; at += 1) {
        const earlier = history[at - distance] as number;
        product += (history[at] as number) * earlier;
        energy += earlier * earlier;
      }
      const likeness = product / Math.sqrt(energy);
      if (likeness > bestLikeness) {
        bestLikeness = likeness;
        best = distance;
      }
    }
    return best;
  }
}
