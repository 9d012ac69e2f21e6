/** The earliest arrival is looked for in this window and the one before it: five to ten seconds. */
const HALF_WINDOW_US = 5_000_000;
/** What is known from less than this may still be a late packet's word. */
const MIN_PACKETS = 30;
const MIN_OBSERVED_US = 1_000_000;
/** How late a packet may be that little is known about. */
export const UNCERTAINTY_US = 200_000;
/** Nothing arrives this much earlier than all before it, unless the sender has jumped ahead. */
const JUMP_AHEAD_US = 100_000;
/** Nothing that is sent on time arrives so late: the network stood still, or the sender's clock did. */
const LATE_US = 1_000_000;
/** A network that stood still hands on what it held, and then is in time again. A clock does not. */
const STALL_US = 2_000_000;
/** No network holds packets for this long. */
const RESTART_US = 10_000_000;

/** A packet of a stream and where it belongs, for the journal's `anchor`. */
export type Place = {
  readonly ssrc: number;
  readonly rtpTimestamp: number;
  /** On `Clock.monotonicUs`. */
  readonly placeUs: number;
};

/**
 * Knows where the packets of a leg belong on the timeline: their RTP time, plus the earliest arrival
 * relative to it of the last five to ten seconds (jitter only ever makes packets later, and over so
 * short a time clocks do not drift apart). It decides what a paused journal may have after its
 * resumption, so that what it does not know counts as lateness: a packet from before must not pass.
 */
export class PlaceTracker {
  readonly #usPerTick: number;
  #ssrc = -1;
  /** RTP time runs through this point: what `#baseTimestamp` is in µs, on a scale of the stream's own. */
  #baseTimestamp = 0;
  #baseUs = NaN;
  /** Arrival of the first packet, and of the latest. */
  #sinceUs = NaN;
  #latestUs = NaN;
  #halfStartUs = NaN;
  /** Arrival minus RTP time: the earliest of this half window, and of both. */
  #earliestUs = Infinity;
  #offsetUs = Infinity;
  #packets = 0;
  #packetsBefore = 0;
  #lateSinceUs = Infinity;

  constructor(clockRateHz: number) {
    this.#usPerTick = 1_000_000 / clockRateHz;
  }

  /** For every packet of audio, in the order of arrival: on the hot path. */
  observe(ssrc: number, timestamp: number, arrivalUs: number): void {
    if (ssrc !== this.#ssrc) this.#begin(ssrc, timestamp, arrivalUs);
    else if (arrivalUs - this.#halfStartUs >= HALF_WINDOW_US) this.#turn(timestamp, arrivalUs);
    const offsetUs = arrivalUs - this.#rtpTimeUs(timestamp);
    const lateUs = offsetUs - this.#offsetUs;
    if (lateUs > LATE_US || lateUs < -JUMP_AHEAD_US) {
      this.#suspect(timestamp, arrivalUs, lateUs);
      return;
    }
    if (lateUs < 0) this.#offsetUs = offsetUs;
    if (offsetUs < this.#earliestUs) this.#earliestUs = offsetUs;
    this.#packets += 1;
    this.#latestUs = arrivalUs;
    this.#lateSinceUs = Infinity;
  }

  /**
   * The moment at which a packet belongs, at the latest its arrival. Of a stream that little is known
   * about: the earliest moment at which it may belong.
   */
  placeUs(ssrc: number, timestamp: number, arrivalUs: number): number {
    if (ssrc !== this.#ssrc) return arrivalUs - UNCERTAINTY_US;
    const placeUs = Math.min(this.#rtpTimeUs(timestamp) + this.#offsetUs, arrivalUs);
    return this.#isSure ? placeUs : placeUs - UNCERTAINTY_US;
  }

  /** Where the current stream stands; `undefined` while that is not sure. */
  get place(): Place | undefined {
    if (!this.#isSure) return undefined;
    return {
      ssrc: this.#ssrc,
      rtpTimestamp: this.#baseTimestamp,
      placeUs: this.#baseUs + this.#offsetUs,
    };
  }

  get #isSure(): boolean {
    return (
      this.#packets + this.#packetsBefore >= MIN_PACKETS &&
      this.#latestUs - this.#sinceUs >= MIN_OBSERVED_US
    );
  }

  #rtpTimeUs(timestamp: number): number {
    return this.#baseUs + ((timestamp - this.#baseTimestamp) | 0) * this.#usPerTick;
  }

  #begin(ssrc: number, timestamp: number, arrivalUs: number): void {
    this.#ssrc = ssrc;
    this.#baseTimestamp = timestamp;
    this.#baseUs = arrivalUs;
    this.#sinceUs = arrivalUs;
    this.#latestUs = arrivalUs;
    this.#halfStartUs = arrivalUs;
    this.#earliestUs = 0;
    this.#offsetUs = 0;
    this.#packets = 0;
    this.#packetsBefore = 0;
    this.#lateSinceUs = Infinity;
  }

  /** The half window is over: its earliest packet is the word of the half before from now on. */
  #turn(timestamp: number, arrivalUs: number): void {
    const isAdjacent = arrivalUs - this.#halfStartUs < 2 * HALF_WINDOW_US;
    if (!isAdjacent || this.#packets === 0) {
      this.#begin(this.#ssrc, timestamp, arrivalUs);
      return;
    }
    // The point moves along, so that no distance from it wraps.
    this.#baseUs = this.#rtpTimeUs(timestamp);
    this.#baseTimestamp = timestamp;
    this.#halfStartUs = arrivalUs;
    this.#offsetUs = this.#earliestUs;
    this.#earliestUs = Infinity;
    this.#packetsBefore = this.#packets;
    this.#packets = 0;
  }

  /** A packet that does not fit: the sender's clock has jumped, or the network is holding packets. */
  #suspect(timestamp: number, arrivalUs: number, lateUs: number): void {
    const standsStill = arrivalUs - this.#lateSinceUs >= STALL_US;
    if (lateUs < 0 || lateUs > RESTART_US || standsStill) {
      this.#begin(this.#ssrc, timestamp, arrivalUs);
    } else if (this.#lateSinceUs === Infinity) {
      this.#lateSinceUs = arrivalUs;
    }
  }
}
