import { MIRROR_TAPS } from './tables.ts';

const PAIRS = MIRROR_TAPS.length;
/** Pairs that are taken before the window is moved to its beginning. */
const ROOM_PAIRS = 160;
const EVEN = Int32Array.from(MIRROR_TAPS);
const ODD = Int32Array.from(MIRROR_TAPS).reverse();

/**
 * The 24-tap quadrature mirror filter, which splits a signal into two bands of half its rate or puts them
 * together (ITU-T G.722 §3.1 and §4.4): two sums, one over each other sample of the last 24.
 */
export class MirrorFilter {
  /** Of the older samples of all pairs; of the newer ones. */
  first = 0;
  second = 0;
  readonly #window = new Int32Array(2 * (PAIRS - 1 + ROOM_PAIRS));
  #end = 2 * (PAIRS - 1);

  copy(other: MirrorFilter): void {
    this.#window.set(other.#window);
    this.#end = other.#end;
  }

  /** Takes the next pair of samples; the sums are in `first` and `second`. */
  push(older: number, newer: number): void {
    const window = this.#window;
    if (this.#end === window.length) {
      window.copyWithin(0, this.#end - 2 * (PAIRS - 1));
      this.#end = 2 * (PAIRS - 1);
    }
    window[this.#end] = older;
    window[this.#end + 1] = newer;
    this.#end += 2;
    let first = 0;
    let second = 0;
    let at = this.#end - 2 * PAIRS;
    for (let pair = 0; pair < PAIRS; pair += 1, at += 2) {
      first += (window[at] as number) * (EVEN[pair] as number); // inside
      second += (window[at + 1] as number) * (ODD[pair] as number);
    }
    this.first = first;
    this.second = second;
  }
}
