import { endianness } from 'node:os';

/** Samples go from memory into files as they are; both are little-endian on all our platforms. */
if (endianness() !== 'LE') throw new Error('this machine stores samples high byte first');

/** 16 s: what one step of a catch-up makes. */
const ORDINARY_SAMPLES = 256 * 1024;

/** 16-bit samples on their way to a file; grows for a catch-up and shrinks again. */
export class SampleBuffer {
  #samples = new Int16Array(ORDINARY_SAMPLES);
  #length = 0;

  /** The memory to write into, with room for `count` more samples behind `length`. */
  reserve(count: number): Int16Array {
    if (this.#length + count > this.#samples.length) {
      const grown = new Int16Array(Math.max(this.#length + count, 2 * this.#samples.length));
      grown.set(this.#samples.subarray(0, this.#length));
      this.#samples = grown;
    }
    return this.#samples;
  }

  /** Those up to `length` were written; valid until the next `reserve` or `clear`. */
  get samples(): Int16Array {
    return this.#samples;
  }

  get length(): number {
    return this.#length;
  }

  /** @param count negative to take samples back. */
  advance(count: number): void {
    this.#length += count;
  }

  clear(): void {
    this.#length = 0;
    if (this.#samples.length > ORDINARY_SAMPLES) this.#samples = new Int16Array(ORDINARY_SAMPLES);
  }
}
