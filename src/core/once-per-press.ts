import type { Tone } from './tone.ts';

/** Ways by which a key comes from a phone: RFC 4733 and in-band tones are one way to call control. */
export type ToneWay = 'rtp' | 'in-band' | 'info';

/** A retransmitted INFO, or the end of a long press, may tell of a key so much later than another way. */
const SAME_PRESS_MS = 2_000;
/** Presses that are remembered; nobody presses more in the time above. */
const MAX_PRESSES = 32;

type Press = { readonly tone: Tone; readonly atMs: number; readonly ways: Set<ToneWay> };

/**
 * Phones may tell of one press of a key in several ways at once. For one phone: each press that one way
 * tells of answers for one press of the same key that another way tells of, in their order.
 */
export class OncePerPress {
  #presses: Press[] = [];

  /** True for a press that no other way told of. `nowMs`: any clock that does not jump. */
  isNew(way: ToneWay, tone: Tone, nowMs: number): boolean {
    this.#presses = this.#presses.filter(({ atMs }) => nowMs - atMs <= SAME_PRESS_MS);
    const known = this.#presses.find((press) => press.tone === tone && !press.ways.has(way));
    if (known !== undefined) {
      known.ways.add(way);
      return false;
    }
    if (this.#presses.length === MAX_PRESSES) this.#presses.shift();
    this.#presses.push({ tone, atMs: nowMs, ways: new Set([way]) });
    return true;
  }
}
