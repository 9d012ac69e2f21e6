import { DRIFT_TOLERANCE_SAMPLES } from './constants.ts';

/** Half of the time over which the earliest arrival is looked for. */
const HALF_WINDOW_SAMPLES = 40_000;
/** Once the clock is known to drift, it is not let off by more than this: 4 ms. */
const FOLLOWING_TOLERANCE_SAMPLES = 32;
/** A place that turns out to be wrong by more than its promise is put right, drift or not: 20 ms. */
const MISPLACED_SAMPLES = 160;
/** Where a correction ends: 1 ms, the noise of the estimate. */
const SETTLED_SAMPLES = 8;

/**
 * Watches how far a span's clock has moved against ours, and decides when the span follows. The
 * estimate is the earliest arrival of the last five to ten seconds, relative to the samples' own
 * time (jitter only ever makes packets later), against that of the span's first five. Depends on the
 * packets alone, never on when it is asked.
 */
export class DriftFollower {
  readonly #scale: 1 | 2;
  readonly #minPackets: number;
  #halfStart = -Infinity;
  #earliest = Infinity;
  #packets = 0;
  #earlierEarliest = Infinity;
  #earlierPackets = 0;
  /** What the estimate was in the beginning; drift is counted from there, not from the anchor. */
  #reference = NaN;
  #isDrifting = false;
  #isMoving = false;

  /**
   * @param scale samples of the span that go on one of the timeline.
   * @param minPackets fewer than these in five seconds say nothing: the earliest may still be a late one.
   */
  constructor(scale: 1 | 2, minPackets: number) {
    this.#scale = scale;
    this.#minPackets = minPackets;
  }

  /** @param offset arrival minus position in the span; both in samples of the span. */
  observe(arrival: number, offset: number): void {
    const halfWindow = this.#scale * HALF_WINDOW_SAMPLES;
    if (arrival - this.#halfStart >= halfWindow) {
      if (Number.isNaN(this.#reference) && this.#packets >= this.#minPackets) {
        this.#reference = this.#earliest;
      }
      const adjacent = arrival - this.#halfStart < 2 * halfWindow;
      this.#earlierEarliest = adjacent ? this.#earliest : Infinity;
      this.#earlierPackets = adjacent ? this.#packets : 0;
      this.#earliest = Infinity;
      this.#packets = 0;
      this.#halfStart = arrival;
    }
    if (offset < this.#earliest) this.#earliest = offset;
    this.#packets += 1;
  }

  /** How the span at `offset` has to move in the block to come: −1, 0 or 1 samples of the timeline. */
  step(offset: number): -1 | 0 | 1 {
    if (this.#packets + this.#earlierPackets < this.#minPackets) return 0;
    const estimate = Math.min(this.#earliest, this.#earlierEarliest);
    const error = estimate - offset;
    const size = Math.abs(error) / this.#scale;
    // False as long as there is no reference.
    const drift = Math.abs(estimate - this.#reference) / this.#scale;
    const hasDrifted = drift > DRIFT_TOLERANCE_SAMPLES;
    if (hasDrifted || size > MISPLACED_SAMPLES) this.#isDrifting = true;
    if (this.#isDrifting && size > FOLLOWING_TOLERANCE_SAMPLES) this.#isMoving = true;
    if (size < SETTLED_SAMPLES) this.#isMoving = false;
    if (!this.#isMoving) return 0;
    return error > 0 ? 1 : -1;
  }
}
