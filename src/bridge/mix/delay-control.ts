/** How long the latest packets wait for their turn at least, and what is aimed at. */
const SHORT_WAIT_US = 14_000;
const ENOUGH_WAIT_US = 20_000;
const LONG_WAIT_US = 44_000;
const AIMED_WAIT_US = 30_000;
/** No packet is kept for longer, however much they differ: who is later than this is lost. */
const LONGEST_WAIT_US = 120_000;
const LONGEST_AIM_US = 100_000;
/** The shortest wait is looked for in this window and the one before it. */
const HALF_WINDOW_US = 4_000_000;
/** What was watched for less does not say that less delay would do. */
const WATCHED_US = 2_000_000;

/** How the pace of a source differs from its own. */
export const PACE = { slower: -1, even: 0, faster: 1, fastest: 4 } as const;
export type Pace = (typeof PACE)[keyof typeof PACE];

/**
 * Decides how long packets wait before they are heard: long enough for the latest of the last four to
 * eight seconds, no longer than 120 ms. It only ever asks for another pace, never for a jump, and it follows
 * the drift between the phone's clock and ours by the same means: a clock that is faster makes waits longer.
 */
export class DelayControl {
  #sinceUs = NaN;
  #halfStartUs = NaN;
  #shortestUs = Infinity;
  #shortestBeforeUs = Infinity;
  #latestWaitUs = 0;
  #pace: Pace = PACE.even;

  /** Another stream begins. */
  reset(): void {
    this.#sinceUs = NaN;
    this.#halfStartUs = NaN;
    this.#shortestUs = Infinity;
    this.#shortestBeforeUs = Infinity;
    this.#latestWaitUs = 0;
    this.#pace = PACE.even;
  }

  /** @param waitUs from a packet's arrival to the moment at which its first sample is heard. */
  observe(waitUs: number, atUs: number): void {
    if (!(atUs - this.#halfStartUs < HALF_WINDOW_US)) {
      if (Number.isNaN(this.#sinceUs)) this.#sinceUs = atUs;
      this.#halfStartUs = atUs;
      this.#shortestBeforeUs = this.#shortestUs;
      this.#shortestUs = waitUs;
    } else if (waitUs < this.#shortestUs) {
      this.#shortestUs = waitUs;
    }
    this.#latestWaitUs = waitUs;
  }

  /** Whatever comes is heard this much later than what came before. */
  shift(byUs: number): void {
    this.#shortestUs += byUs;
    this.#shortestBeforeUs += byUs;
    this.#latestWaitUs += byUs;
  }

  /** For the frame that is heard now. */
  paceAt(atUs: number): Pace {
    const shortestUs = Math.min(this.#shortestUs, this.#shortestBeforeUs);
    const isFaster = this.#pace > 0;
    if (this.#latestWaitUs > (isFaster ? LONGEST_AIM_US : LONGEST_WAIT_US)) {
      this.#pace = PACE.fastest;
    } else if (shortestUs < (this.#pace === PACE.slower ? ENOUGH_WAIT_US : SHORT_WAIT_US)) {
      this.#pace = PACE.slower;
    } else if (
      atUs - this.#sinceUs >= WATCHED_US &&
      shortestUs > (isFaster ? AIMED_WAIT_US : LONG_WAIT_US)
    ) {
      this.#pace = PACE.faster;
    } else {
      this.#pace = PACE.even;
    }
    return this.#pace;
  }
}
