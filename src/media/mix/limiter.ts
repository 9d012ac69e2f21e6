/** Up to here (−1.4 dBFS) a sum is passed on as it is. */
const KNEE = 28_000;
const ROOM = 32_767 - KNEE;
/** The gain is found for so many samples at a time (2 ms at 16 kHz) and goes straight from one to the next. */
const STEP_SAMPLES = 32;
/** Two seconds at 16 kHz bring the gain from 0 to 1: faster, it would follow single vibrations of low voices. */
const RELEASE_PER_STEP = 1 / 1000;
/** A frame has at most 20 ms at 48 kHz. */
const MOST_STEPS = 30;

/** For all limiters of a thread: the gain that each step of a frame needs. */
const NEEDED = new Float64Array(MOST_STEPS);
/** What is to be limited, if anything is. */
const DIFFERENCE = new Int32Array(STEP_SAMPLES * MOST_STEPS);

/**
 * Sums of many voices as 16 bits, for one listener: what is not too loud is passed on bit by bit; what would
 * be is turned down just as far as it must be, beginning before it comes if that is within the frame, and slowly up
 * again. Only a loud sound at the very start of a frame is bent over the first 2 ms. Nothing is cut off.
 */
export class MixLimiter {
  /** At the end of the last frame; 1: all is passed on as it is. To be set where another limiter went before. */
  gain = 1;

  /**
   * Writes `total` without `own` (somebody hears all but himself) to the start of `into`, which is neither of
   * them: as many samples as `total` has, up to 960. Frames follow each other without a gap.
   */
  mixWithout(total: Int32Array, own: Int16Array | undefined, into: Int16Array): void {
    const isLoud = own === undefined ? copy(total, into) : subtract(total, own, into);
    if (!isLoud && this.gain === 1) return;
    const count = total.length;
    for (let at = 0; at < count; at += 1) {
      DIFFERENCE[at] = (total[at] as number) - (own === undefined ? 0 : (own[at] as number)); // inside
    }
    this.#limit(count, into);
  }

  #limit(count: number, into: Int16Array): void {
    measure(count);
    const steps = Math.ceil(count / STEP_SAMPLES);
    for (let step = 0; step < steps; step += 1) {
      const start = step * STEP_SAMPLES;
      const end = Math.min(count, start + STEP_SAMPLES);
      const before = this.gain;
      // Low enough for this step and for the next, so that no step begins too loud.
      const needed = Math.min(
        NEEDED[step] as number,
        step + 1 < steps ? (NEEDED[step + 1] as number) : 1,
      );
      const after = Math.min(needed, before + RELEASE_PER_STEP);
      this.gain = after;
      const slope = (after - before) / (end - start);
      for (let at = start; at < end; at += 1) {
        const value = (DIFFERENCE[at] as number) * (before + slope * (at - start)); // inside
        // Rounds, and costs half of `Math.round`: no value is beyond 31 bits.
        const whole = value < 0 ? (value - 0.5) | 0 : (value + 0.5) | 0;
        into[at] = whole > KNEE || whole < -KNEE ? bent(whole) : whole;
      }
    }
  }
}

/** True if something is above the knee: what was written then is of no use. */
function copy(total: Int32Array, into: Int16Array): boolean {
  let isLoud = false;
  for (let at = 0; at < total.length; at += 1) {
    const value = total[at] as number; // inside
    if (value > KNEE || value < -KNEE) isLoud = true;
    into[at] = value;
  }
  return isLoud;
}

/** As `copy`, without `own`. */
function subtract(total: Int32Array, own: Int16Array, into: Int16Array): boolean {
  let isLoud = false;
  for (let at = 0; at < total.length; at += 1) {
    const value = (total[at] as number) - (own[at] as number); // inside
    if (value > KNEE || value < -KNEE) isLoud = true;
    into[at] = value;
  }
  return isLoud;
}

function measure(count: number): void {
  for (let start = 0, step = 0; start < count; start += STEP_SAMPLES, step += 1) {
    const end = Math.min(count, start + STEP_SAMPLES);
    let peak = 0;
    for (let at = start; at < end; at += 1) {
      const value = DIFFERENCE[at] as number; // inside
      const magnitude = value < 0 ? -value : value;
      if (magnitude > peak) peak = magnitude;
    }
    NEEDED[step] = peak > KNEE ? KNEE / peak : 1;
  }
}

/** Of what is above the knee: steadily rising, without a corner, and never at the limit. */
function bent(value: number): number {
  const excess = (value < 0 ? -value : value) - KNEE;
  const magnitude = KNEE + (ROOM * excess) / (ROOM + excess);
  return value < 0 ? -magnitude : magnitude;
}
