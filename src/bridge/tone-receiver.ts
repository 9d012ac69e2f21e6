import { TONES, type Tone } from '../core/tone.ts';
import { timestampDistance } from '../protocols/rtp/arithmetic.ts';
import { EVENT_BLOCK_BYTES, MAX_EVENT_TICKS } from '../protocols/rtp/telephone-event.ts';

/** An event that nothing was heard of for so long is over: its last packets were lost. */
export const EVENT_TIMEOUT_US = 500_000;
/** Packets of one event may come so much after those of the next; older numbers are a restart of the sender. */
const MAX_OVERTAKEN_S = 2;
/** Nobody cuts an event into shorter segments: `MAX_EVENT_TICKS` is what they should have. */
const MIN_SEGMENT_TICKS = 0x8000;
/** Events that are over and may still be told of by duplicates and late packets. */
const REMEMBERED_EVENTS = 16;

/** A key that was pressed and let go. */
export type ReceivedTone = {
  readonly tone: Tone;
  readonly durationMs: number;
  /** RTP time of its start, to find its place. */
  readonly ssrc: number;
  readonly timestamp: number;
};

/**
 * Makes key presses of a leg's telephone-events (RFC 4733): each exactly one, if any of its packets
 * arrives. An event is known by the timestamp of its start. It is over with its end packet, with the
 * next event, or when nothing more comes.
 */
export class ToneReceiver {
  readonly #onTone: (tone: ReceivedTone) => void;
  #clockRateHz = 8000;
  /** The event with the latest timestamp; −1 before any. */
  #event = -1;
  #ssrc = 0;
  #start = 0;
  /** Where its current segment begins, and how long that is by now. */
  #segment = 0;
  #ticks = 0;
  /** What the segments before lasted. */
  #ticksBefore = 0;
  #lastUs = 0;
  #isReported = true;
  #hasEnded = true;
  /** Segments that were heard of, current one included, as a ring: SSRC and timestamp. */
  readonly #known = new Uint32Array(REMEMBERED_EVENTS * 2);
  #knownCount = 0;

  constructor(onTone: (tone: ReceivedTone) => void) {
    this.#onTone = onTone;
  }

  setClockRate(clockRateHz: number): void {
    this.#clockRateHz = clockRateHz;
  }

  /** Takes a packet's payload into account, `bytes` of `data` from `offset` on. Accepts any bytes. */
  packet(
    ssrc: number,
    timestamp: number,
    marker: boolean,
    data: Uint8Array,
    offset: number,
    bytes: number,
    arrivalUs: number,
  ): void {
    let start = timestamp;
    // Several events in one packet follow each other (§2.5.1.5): all but the last are over.
    for (let at = offset; at + EVENT_BLOCK_BYTES <= offset + bytes; at += EVENT_BLOCK_BYTES) {
      const flags = data[at + 1] ?? 0;
      const ticks = ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0);
      const isLast = at + 2 * EVENT_BLOCK_BYTES > offset + bytes;
      const hasEnded = (flags & 0x80) !== 0 || !isLast;
      const isFirst = marker && at === offset;
      this.#update(ssrc, start, data[at] ?? 0, ticks, hasEnded, isFirst, arrivalUs);
      start = (start + ticks) >>> 0;
    }
  }

  /** Several times a second. */
  tend(nowUs: number): void {
    if (!this.#isReported && nowUs - this.#lastUs >= EVENT_TIMEOUT_US) this.#report();
  }

  /** Nothing more will come: what is going on is over. */
  flush(): void {
    if (!this.#isReported) this.#report();
  }

  #update(
    ssrc: number,
    start: number,
    event: number,
    ticks: number,
    hasEnded: boolean,
    marker: boolean,
    arrivalUs: number,
  ): void {
    if (this.#isKnown(ssrc, start)) {
      if (ssrc === this.#ssrc && start === this.#segment && event === this.#event) {
        this.#grow(ticks, hasEnded, arrivalUs);
      }
      return;
    }
    const isSameSource = ssrc === this.#ssrc && this.#event >= 0;
    const distance = timestampDistance(this.#segment, start);
    if (isSameSource && distance < 0 && -distance < MAX_OVERTAKEN_S * this.#clockRateHz) {
      // Packets overtook each other, and the next event is known already: this one is over.
      this.#remember(ssrc, start);
      this.#emit(event, ticks, ssrc, start);
      return;
    }
    if (isSameSource && event === this.#event && !marker && this.#goesOn(distance)) {
      this.#remember(ssrc, start);
      // A timestamp that only moved along does not lengthen the press.
      if (distance >= MIN_SEGMENT_TICKS) {
        this.#ticksBefore += distance;
        this.#ticks = 0;
      }
      this.#segment = start;
      this.#grow(ticks, hasEnded, arrivalUs);
      return;
    }
    this.flush();
    this.#remember(ssrc, start);
    this.#event = event;
    this.#ssrc = ssrc;
    this.#start = start;
    this.#segment = start;
    this.#ticks = 0;
    this.#ticksBefore = 0;
    this.#isReported = false;
    this.#hasEnded = false;
    this.#grow(ticks, hasEnded, arrivalUs);
  }

  /**
   * A long event is told of in segments (§2.5.1.3), each beginning where the one before ends. And a press
   * cannot begin before the one before it was over: some phones move the timestamp along with each packet.
   */
  #goesOn(distance: number): boolean {
    if (distance > 0 && distance < this.#ticks) return true;
    return !this.#hasEnded && (distance === this.#ticks || distance === MAX_EVENT_TICKS);
  }

  #grow(ticks: number, hasEnded: boolean, arrivalUs: number): void {
    this.#lastUs = arrivalUs;
    if (ticks > this.#ticks) this.#ticks = ticks;
    if (!hasEnded) return;
    this.#hasEnded = true;
    this.flush();
  }

  #report(): void {
    this.#isReported = true;
    this.#emit(this.#event, this.#ticksBefore + this.#ticks, this.#ssrc, this.#start);
  }

  #emit(event: number, ticks: number, ssrc: number, timestamp: number): void {
    const tone = TONES[event];
    if (tone === undefined) return;
    const durationMs = Math.round((ticks * 1000) / this.#clockRateHz);
    this.#onTone({ tone, durationMs, ssrc, timestamp });
  }

  #isKnown(ssrc: number, timestamp: number): boolean {
    const count = Math.min(this.#knownCount, REMEMBERED_EVENTS);
    for (let at = 0; at < count * 2; at += 2) {
      if (this.#known[at] === ssrc && this.#known[at + 1] === timestamp) return true;
    }
    return false;
  }

  #remember(ssrc: number, timestamp: number): void {
    const at = (this.#knownCount % REMEMBERED_EVENTS) * 2;
    this.#known[at] = ssrc;
    this.#known[at + 1] = timestamp;
    this.#knownCount += 1;
  }
}
