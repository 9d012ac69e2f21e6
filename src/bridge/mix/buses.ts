import { NarrowingFilter, WideningFilter } from './bus-filter.ts';
import { NARROW_RATE_HZ, NARROW_SAMPLES, WIDE_SAMPLES, type MixRate } from './frame.ts';
import type { LegSource } from './leg-source.ts';
import { SharedPackets, type MixListener } from './listener.ts';
import type { PlayedVoice } from './played-voice.ts';
import { limitAll, limitWithout } from './soft-limit.ts';

/** A filter that gets nothing more has said all after one frame more. */
const FILTER_FRAMES = 2;

/** For all calls of a thread: nothing of it outlives a frame. */
const NARROW_SUM = new Int32Array(NARROW_SAMPLES);
const WIDE_SUM = new Int32Array(WIDE_SAMPLES);
const NARROW_EXTRA = new Int32Array(NARROW_SAMPLES);
const WIDE_EXTRA = new Int32Array(WIDE_SAMPLES);
const NARROW_MIX = new Int16Array(NARROW_SAMPLES);
const WIDE_MIX = new Int16Array(WIDE_SAMPLES);
const NARROW_WHOLE = new Int16Array(NARROW_SAMPLES);
const WIDE_WHOLE = new Int16Array(WIDE_SAMPLES);
const SHARED_PACKETS = new SharedPackets();

/**
 * The sum of all voices of a call at 8 and at 16 kHz. Each voice is added at its own rate, and only the sums
 * are converted, once in either direction, however many legs there are: what a leg said is in the sum of its
 * own rate as it said it, and can be taken off again to the bit.
 */
export class Buses {
  readonly shared: SharedPackets = SHARED_PACKETS;
  readonly #widening = new WideningFilter();
  readonly #narrowing = new NarrowingFilter();
  #hasNarrow = false;
  #hasWide = false;
  #voices = 0;
  /** Frames for which a filter still has something to say. */
  #wideningFrames = 0;
  #narrowingFrames = 0;
  #hasNarrowWhole = false;
  #hasWideWhole = false;

  /** Another frame begins. */
  begin(): void {
    NARROW_SUM.fill(0);
    WIDE_SUM.fill(0);
    this.shared.forget();
    this.#voices = 0;
    this.#hasNarrow = false;
    this.#hasWide = false;
    this.#hasNarrowWhole = false;
    this.#hasWideWhole = false;
  }

  /** A voice that everybody hears, at the rate that its length tells. */
  addFrame(frame: Int16Array): void {
    const isNarrow = frame.length === NARROW_SAMPLES;
    if (isNarrow) this.#hasNarrow = true;
    else this.#hasWide = true;
    add(isNarrow ? NARROW_SUM : WIDE_SUM, frame);
    this.#voices += 1;
  }

  /** Whether anybody else says something that everybody hears. */
  hasVoiceBeside(voice: PlayedVoice): boolean {
    return this.#voices > (voice.isActive ? 1 : 0);
  }

  /** All voices are there: those of either rate are heard at the other one too, if anybody listens to it. */
  finish(listeners: readonly { readonly listener: MixListener }[], hasStreams: boolean): void {
    let isNarrowHeard = false;
    let isWideHeard = hasStreams;
    for (const { listener } of listeners) {
      if (listener.rateHz === NARROW_RATE_HZ) isNarrowHeard = true;
      else isWideHeard = true;
    }
    this.#wideningFrames = this.#hasNarrow ? FILTER_FRAMES : Math.max(0, this.#wideningFrames - 1);
    this.#narrowingFrames = this.#hasWide ? FILTER_FRAMES : Math.max(0, this.#narrowingFrames - 1);
    const widens = isWideHeard && this.#wideningFrames > 0;
    const narrows = isNarrowHeard && this.#narrowingFrames > 0;
    if (widens) this.#widening.push(NARROW_SUM);
    if (narrows) this.#narrowing.push(WIDE_SUM);
    if (widens) this.#widening.addTo(WIDE_SUM);
    if (narrows) this.#narrowing.addTo(NARROW_SUM);
  }

  /** What somebody hears who says nothing. */
  whole(rateHz: MixRate): Int16Array {
    if (rateHz === NARROW_RATE_HZ) {
      if (!this.#hasNarrowWhole) limitAll(NARROW_SUM, NARROW_WHOLE);
      this.#hasNarrowWhole = true;
      return NARROW_WHOLE;
    }
    if (!this.#hasWideWhole) limitAll(WIDE_SUM, WIDE_WHOLE);
    this.#hasWideWhole = true;
    return WIDE_WHOLE;
  }

  /** What is heard by somebody who said `own`, at its rate. */
  without({ frame: own }: { readonly frame: Int16Array }): Int16Array {
    const isNarrow = own.length === NARROW_SAMPLES;
    const mix = isNarrow ? NARROW_MIX : WIDE_MIX;
    limitWithout(isNarrow ? NARROW_SUM : WIDE_SUM, own, mix);
    return mix;
  }

  /** Begins the mix of somebody who hears something of their own besides. `undefined`: only that. */
  beginExtra(rateHz: MixRate, source: LegSource | undefined): void {
    const isNarrow = rateHz === NARROW_RATE_HZ;
    const extra = isNarrow ? NARROW_EXTRA : WIDE_EXTRA;
    if (source === undefined) {
      extra.fill(0);
      return;
    }
    extra.set(isNarrow ? NARROW_SUM : WIDE_SUM);
    if (source.isActive) subtract(extra, source.frame);
  }

  addExtra(rateHz: MixRate, voice: PlayedVoice): void {
    if (rateHz === NARROW_RATE_HZ) add(NARROW_EXTRA, voice.narrowed());
    else add(WIDE_EXTRA, voice.frame);
  }

  extra(rateHz: MixRate): Int16Array {
    const isNarrow = rateHz === NARROW_RATE_HZ;
    const mix = isNarrow ? NARROW_MIX : WIDE_MIX;
    limitAll(isNarrow ? NARROW_EXTRA : WIDE_EXTRA, mix);
    return mix;
  }
}

// Inside: sums and frames of a rate are of one length.
function add(sum: Int32Array, frame: Int16Array): void {
  for (let at = 0; at < frame.length; at += 1) {
    sum[at] = (sum[at] as number) + (frame[at] as number);
  }
}

function subtract(sum: Int32Array, frame: Int16Array): void {
  for (let at = 0; at < frame.length; at += 1) {
    sum[at] = (sum[at] as number) - (frame[at] as number);
  }
}
