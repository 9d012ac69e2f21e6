import type { MixLimiter } from '../../media/mix/limiter.ts';
import { Bus, FrameRoom } from './bus.ts';
import { NarrowingFilter, WideningFilter } from './bus-filter.ts';
import { NARROW_RATE_HZ, NARROW_SAMPLES, WIDE_SAMPLES, type MixRate } from './frame.ts';
import type { PlayedVoice } from './played-voice.ts';

/** A filter that gets nothing more has said all after one frame more. */
const FILTER_FRAMES = 2;

const NARROW_ROOM = new FrameRoom(NARROW_SAMPLES);
const WIDE_ROOM = new FrameRoom(WIDE_SAMPLES);

/**
 * The sum of all voices of a call at 8 and at 16 kHz. Each voice is added at its own rate, and only the sums
 * are converted, once in either direction, however many legs there are: what a leg said is in the sum of its
 * own rate as it said it, and can be taken off again to the bit.
 */
export class Buses {
  readonly #narrow = new Bus(NARROW_ROOM);
  readonly #wide = new Bus(WIDE_ROOM);
  readonly #widening = new WideningFilter();
  readonly #narrowing = new NarrowingFilter();
  #voices = 0;
  /** Frames for which a filter still has something to say. */
  #wideningFrames = 0;
  #narrowingFrames = 0;

  /** Another frame begins. */
  begin(): void {
    this.#narrow.begin();
    this.#wide.begin();
    this.#voices = 0;
  }

  /** Of listeners and voices of this rate. */
  at(rateHz: MixRate): Bus {
    return rateHz === NARROW_RATE_HZ ? this.#narrow : this.#wide;
  }

  /** A voice that everybody hears, at the rate that its length tells. */
  addFrame(frame: Int16Array): void {
    (frame.length === NARROW_SAMPLES ? this.#narrow : this.#wide).add(frame);
    this.#voices += 1;
  }

  /** Whether anybody else says something that everybody hears. */
  hasVoiceBeside(voice: PlayedVoice): boolean {
    return this.#voices > (voice.isActive ? 1 : 0);
  }

  /** All voices are there: those of either rate are heard at the other one too, if anybody listens to it. */
  finish(
    listeners: readonly { readonly listener: { readonly rateHz: MixRate } }[],
    hasStreams: boolean,
  ): void {
    let isNarrowHeard = false;
    let isWideHeard = hasStreams;
    for (const { listener } of listeners) {
      if (listener.rateHz === NARROW_RATE_HZ) isNarrowHeard = true;
      else isWideHeard = true;
    }
    const [narrow, wide] = [this.#narrow, this.#wide];
    this.#wideningFrames = narrow.hasVoice ? FILTER_FRAMES : Math.max(0, this.#wideningFrames - 1);
    this.#narrowingFrames = wide.hasVoice ? FILTER_FRAMES : Math.max(0, this.#narrowingFrames - 1);
    const widens = isWideHeard && this.#wideningFrames > 0;
    const narrows = isNarrowHeard && this.#narrowingFrames > 0;
    if (widens) this.#widening.push(narrow.sum);
    if (narrows) this.#narrowing.push(wide.sum);
    if (widens) this.#widening.addTo(wide.sum);
    if (narrows) this.#narrowing.addTo(narrow.sum);
  }

  /** What a stream hears at 16 kHz: everybody but itself. */
  beside(voice: PlayedVoice, limiter: MixLimiter): Int16Array {
    return this.#wide.without(voice.isActive ? voice.frame : undefined, limiter);
  }
}
