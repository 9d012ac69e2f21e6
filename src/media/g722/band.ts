import { EXPONENTIALS } from './tables.ts';

const ZEROS = 6;
/** Bits of the fraction of a logarithm (base 2). */
const LOG_BITS = 11;

/**
 * One of the two bands: predicts its next sample from the differences that were sent, and how large the
 * next difference will be (ITU-T G.722 §3.5 and §3.6). Encoder and decoder run it alike; all arithmetic is
 * in 16-bit integers, as the recommendation defines it to the last bit.
 */
export class Band {
  /** What the next sample is expected to be. */
  prediction = 0;
  /** Of the next difference. */
  scale: number;
  readonly #steps: Int16Array;
  readonly #mostLog: number;
  readonly #scaleShift: number;
  #log = 0;
  /** Weights of the last six differences, and those: newest first, doubled. */
  readonly #zeros = new Int32Array(ZEROS);
  readonly #differences = new Int32Array(ZEROS);
  /** What the differences alone predict. */
  #fromZeros = 0;
  /** Weights of the last two reconstructed samples, and the last of those, doubled. */
  #pole1 = 0;
  #pole2 = 0;
  #reconstructed = 0;
  /** Whether the last two partly reconstructed samples were below zero. */
  #wasNegative1 = false;
  #wasNegative2 = false;

  /**
   * @param steps how a code moves the logarithm of the scale factor.
   * @param mostLog the largest logarithm.
   * @param scaleShift what the logarithm is of: the scale factor × 2^this.
   */
  constructor(steps: Int16Array, mostLog: number, scaleShift: number) {
    this.#steps = steps;
    this.#mostLog = mostLog;
    this.#scaleShift = scaleShift;
    this.scale = this.#scaleOf(0);
  }

  /** A difference was sent, by a code that has this step in the table. */
  update(difference: number, step: number): void {
    this.#movePoles(difference);
    this.#moveZeros(difference);
    const reconstructed = clip16((this.prediction + difference) * 2);
    this.prediction = clip16(
      this.#fromZeros +
        ((this.#pole1 * reconstructed) >> 15) +
        ((this.#pole2 * this.#reconstructed) >> 15),
    );
    this.#reconstructed = reconstructed;
    const log = ((this.#log * 127) >> 7) + (this.#steps[step] as number); // a code of few bits
    this.#log = log < 0 ? 0 : log > this.#mostLog ? this.#mostLog : log;
    this.scale = this.#scaleOf(this.#log);
  }

  /** Of the same band. */
  copy(other: Band): void {
    this.prediction = other.prediction;
    this.scale = other.scale;
    this.#log = other.#log;
    this.#zeros.set(other.#zeros);
    this.#differences.set(other.#differences);
    this.#fromZeros = other.#fromZeros;
    this.#pole1 = other.#pole1;
    this.#pole2 = other.#pole2;
    this.#reconstructed = other.#reconstructed;
    this.#wasNegative1 = other.#wasNegative1;
    this.#wasNegative2 = other.#wasNegative2;
  }

  #movePoles(difference: number): void {
    const isNegative = this.#fromZeros + difference < 0;
    const sign1 = isNegative === this.#wasNegative1 ? -1 : 1;
    const sign2 = isNegative === this.#wasNegative2 ? 1 : -1;
    this.#wasNegative2 = this.#wasNegative1;
    this.#wasNegative1 = isNegative;
    const bounded = clip(this.#pole1, 8191);
    this.#pole2 = clip(((sign1 * bounded) >> 5) + sign2 * 128 + ((this.#pole2 * 127) >> 7), 12_288);
    // Keeps the filter stable.
    this.#pole1 = clip(-192 * sign1 + ((this.#pole1 * 255) >> 8), 15_360 - this.#pole2);
  }

  #moveZeros(difference: number): void {
    const zeros = this.#zeros;
    const differences = this.#differences;
    const push = difference === 0 ? 0 : 128;
    let newest = difference * 2;
    let sum = 0;
    for (let at = 0; at < ZEROS; at += 1) {
      const sent = differences[at] as number; // inside
      const weight =
        (((zeros[at] as number) * 255) >> 8) + ((sent ^ difference) < 0 ? -push : push);
      zeros[at] = weight;
      differences[at] = newest;
      sum += (newest * weight) >> 15;
      newest = sent;
    }
    this.#fromZeros = sum;
  }

  #scaleOf(log: number): number {
    const value = EXPONENTIALS[(log >> 6) & 31] as number; // 32 entries
    const shift = (log >> LOG_BITS) - this.#scaleShift;
    return shift < 0 ? value >> -shift : value << shift;
  }
}

function clip16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}

function clip(value: number, most: number): number {
  return value > most ? most : value < -most ? -most : value;
}
