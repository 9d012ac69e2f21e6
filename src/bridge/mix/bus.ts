import { MixLimiter } from '../../media/mix/limiter.ts';

/** Nothing louder is said than the smallest step of A-law, which phones send that are muted. */
const SILENCE = 8;

/** What one frame needs, at one rate: for all calls of a thread, as nothing of it outlives the frame. */
export class FrameRoom {
  readonly sum: Int32Array;
  readonly extra: Int32Array;
  readonly whole: Int16Array<ArrayBuffer>;
  readonly mix: Int16Array<ArrayBuffer>;

  /** @param count samples of a frame. */
  constructor(count: number) {
    this.sum = new Int32Array(count);
    this.extra = new Int32Array(count);
    this.whole = new Int16Array(count);
    this.mix = new Int16Array(count);
  }
}

/** The sum of all voices of a call at one rate, and what each listener gets of it, limited for them alone. */
export class Bus {
  /** Of a voice of this rate. */
  hasVoice = false;
  readonly #room: FrameRoom;
  readonly #limiter = new MixLimiter();
  /** Of the whole, at the end of the frame before. */
  #gainBefore = 1;
  #hasWhole = false;

  constructor(room: FrameRoom) {
    this.#room = room;
  }

  get sum(): Int32Array {
    return this.#room.sum;
  }

  /** Another frame begins. */
  begin(): void {
    this.#room.sum.fill(0);
    // Nobody heard the whole of the last frame: it may begin at any level.
    if (!this.#hasWhole) this.#limiter.gain = 1;
    this.#hasWhole = false;
    this.hasVoice = false;
  }

  add(frame: Int16Array): void {
    this.hasVoice = true;
    add(this.#room.sum, frame);
  }

  /**
   * Whether somebody who says nothing hears what all such hear: `wholeFrame`. Not while another level holds for
   * them, as it does for a while after having been one of the loud.
   * @param isNew nothing was heard before, so that any level will do.
   */
  hearsWhole(limiter: MixLimiter, isNew: boolean): boolean {
    const { sum, whole } = this.#room;
    if (!this.#hasWhole) {
      this.#gainBefore = this.#limiter.gain;
      this.#limiter.mixWithout(sum, undefined, whole);
      this.#hasWhole = true;
    }
    if (limiter.gain !== this.#gainBefore && !isNew) return false;
    limiter.gain = this.#limiter.gain;
    return true;
  }

  get wholeFrame(): Int16Array<ArrayBuffer> {
    return this.#room.whole;
  }

  /** What is heard by somebody who said `own`. */
  without(own: Int16Array | undefined, limiter: MixLimiter): Int16Array<ArrayBuffer> {
    const { sum, mix } = this.#room;
    limiter.mixWithout(sum, own, mix);
    return mix;
  }

  /** Begins the mix of somebody who hears something of their own besides. */
  beginExtra(hearsOthers: boolean, own: Int16Array | undefined): void {
    const { sum, extra } = this.#room;
    if (!hearsOthers) {
      extra.fill(0);
      return;
    }
    extra.set(sum);
    if (own !== undefined) subtract(extra, own);
  }

  addExtra(frame: Int16Array): void {
    add(this.#room.extra, frame);
  }

  extra(limiter: MixLimiter): Int16Array<ArrayBuffer> {
    const { extra, mix } = this.#room;
    limiter.mixWithout(extra, undefined, mix);
    return mix;
  }
}

/** Whether nobody would miss it. */
export function isSilent(frame: Int16Array): boolean {
  for (let at = 0; at < frame.length; at += 1) {
    const value = frame[at] as number; // inside
    if (value > SILENCE || value < -SILENCE) return false;
  }
  return true;
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
