import { VOICE_FRAME_SAMPLES } from './voice-frame.ts';

/** Pitch is looked for at a quarter of the rate (2 kHz), then placed at half of it (4 kHz). */
const COARSE_STEP = 4;
const FINE_STEP = 2;
const COARSE_FRAME = VOICE_FRAME_SAMPLES / COARSE_STEP;
const FINE_FRAME = VOICE_FRAME_SAMPLES / FINE_STEP;
/** Lags at 2 kHz: 400 Hz down to 69 Hz. */
const SHORTEST = 5;
const LONGEST = 29;
/** Two frames, 40 ms: three periods of the lowest voices. */
const COARSE_WINDOW = 2 * COARSE_FRAME;
const FINE_WINDOW = 2 * FINE_FRAME;
/** Part of the best peak that a peak at a shorter lag needs to be taken instead: no octave errors. */
const NEARLY_BEST = 0.88;
/** Below, it is not worth while to look closer. */
const WORTH = 0.35;
/** Keeps silence from being divided by. */
const LEAST_ENERGY = 1e-9;

/**
 * How periodic the last 40 ms are, and at what pitch, by normalised autocorrelation of the signal
 * below 1 kHz.
 */
export class PitchMeter {
  /** 0 to 1: 1 repeats exactly. */
  strength = 0;
  /** Natural logarithm of the frequency in Hz; of meaning when `strength` is high. */
  logHz = 0;

  readonly #coarse = new Float32Array(COARSE_WINDOW + LONGEST + 1);
  readonly #fine = new Float32Array(FINE_WINDOW + 2 * LONGEST + 4);
  readonly #curve = new Float32Array(LONGEST + 2);

  /** Takes the next frame. */
  take(frame: Float32Array): void {
    const coarse = this.#coarse;
    const fine = this.#fine;
    coarse.copyWithin(0, COARSE_FRAME);
    fine.copyWithin(0, FINE_FRAME);
    let toCoarse = coarse.length - COARSE_FRAME;
    let toFine = fine.length - FINE_FRAME;
    for (let at = 0; at < VOICE_FRAME_SAMPLES; at += COARSE_STEP) {
      const first = (frame[at] as number) + (frame[at + 1] as number);
      const second = (frame[at + 2] as number) + (frame[at + 3] as number);
      fine[toFine] = first;
      fine[toFine + 1] = second;
      coarse[toCoarse] = first + second;
      toFine += 2;
      toCoarse += 1;
    }
  }

  /** There was nothing before. */
  forget(): void {
    this.#coarse.fill(0);
    this.#fine.fill(0);
    this.strength = 0;
  }

  /** Measures the last two frames that were taken. */
  measure(): void {
    const lag = this.#coarsePeak();
    this.strength = Math.max(0, this.#curve[lag] ?? 0);
    if (this.strength < WORTH) return;
    this.#place(2 * lag);
  }

  /** The lag of the first peak that is nearly the best. */
  #coarsePeak(): number {
    const curve = this.#curve;
    const samples = this.#coarse;
    const from = samples.length - COARSE_WINDOW;
    const energy = energyOf(samples, from, 0);
    let earlier = energyOf(samples, from, SHORTEST - 1);
    let best = 0;
    for (let lag = SHORTEST - 1; lag <= LONGEST; lag += 1) {
      const value = product(samples, from, lag) / Math.sqrt(energy * earlier);
      curve[lag] = value;
      if (lag >= SHORTEST && value > best) best = value;
      const entering = samples[from - lag - 1] as number;
      const leaving = samples[samples.length - lag - 1] as number;
      earlier = Math.max(LEAST_ENERGY, earlier + entering * entering - leaving * leaving);
    }
    for (let lag = SHORTEST; lag < LONGEST; lag += 1) {
      const here = curve[lag] as number;
      const isPeak = here >= (curve[lag - 1] as number) && here >= (curve[lag + 1] as number);
      if (isPeak && here >= NEARLY_BEST * best) return lag;
    }
    return LONGEST;
  }

  #place(around: number): void {
    const samples = this.#fine;
    const energy = energyOf(samples, samples.length - FINE_WINDOW, 0);
    let lag = around;
    let here = correlation(samples, energy, lag);
    let before = correlation(samples, energy, lag - 1);
    let after = correlation(samples, energy, lag + 1);
    // The coarse lag is right to half a step, which is one step here.
    for (let step = 0; step < 2 && (before > here || after > here); step += 1) {
      if (after > here) {
        [before, here] = [here, after];
        lag += 1;
        after = correlation(samples, energy, lag + 1);
      } else {
        [after, here] = [here, before];
        lag -= 1;
        before = correlation(samples, energy, lag - 1);
      }
    }
    const bend = before - 2 * here + after;
    const between = bend < 0 ? (before - after) / (2 * bend) : 0;
    this.strength = here;
    this.logHz = Math.log(4_000 / (lag + Math.max(-1, Math.min(1, between))));
  }
}

/** Normalised correlation of the last `FINE_WINDOW` samples with those `lag` before, −1 to 1. */
function correlation(samples: Float32Array, energy: number, lag: number): number {
  const from = samples.length - FINE_WINDOW;
  return product(samples, from, lag) / Math.sqrt(energy * energyOf(samples, from, lag));
}

/** Of as many samples as there are from `from` on, `lag` earlier. */
function energyOf(samples: Float32Array, from: number, lag: number): number {
  let energy = LEAST_ENERGY;
  for (let at = from - lag; at < samples.length - lag; at += 1) {
    const value = samples[at] as number;
    energy += value * value;
  }
  return energy;
}

/** Sum over a whole number of fours: four sums do not wait for one another. */
function product(samples: Float32Array, from: number, lag: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  for (let at = from; at < samples.length; at += 4) {
    first += (samples[at] as number) * (samples[at - lag] as number);
    second += (samples[at + 1] as number) * (samples[at - lag + 1] as number);
    third += (samples[at + 2] as number) * (samples[at - lag + 2] as number);
    fourth += (samples[at + 3] as number) * (samples[at - lag + 3] as number);
  }
  return first + second + (third + fourth);
}
