import { BLOCK_SAMPLES } from './timeline/constants.ts';

/** As it is read: samples at 8 kHz, and at 16 kHz if there are any. */
export type HeardSum = Pick<BlockSum, 'narrow' | 'wide'>;

/**
 * What is heard in a block of the timeline, as sums of sources at their own rates: those of 8 kHz, and
 * those of 16 kHz if there are any. Sums are 32-bit integers, clipped once at the end.
 */
export class BlockSum {
  /** At 8 kHz. */
  readonly narrow: Int32Array = new Int32Array(BLOCK_SAMPLES);
  #wide: Int32Array | undefined;
  #hasWide = false;

  /** Silence for the block to come. */
  clear(): this {
    this.narrow.fill(0);
    this.#hasWide = false;
    return this;
  }

  /** At 16 kHz, to add to. Made when it is asked for: most calls have none. */
  addWide(): Int32Array {
    this.#wide ??= new Int32Array(2 * BLOCK_SAMPLES);
    if (!this.#hasWide) this.#wide.fill(0);
    this.#hasWide = true;
    return this.#wide;
  }

  /** At 16 kHz; `undefined` if nothing was added. */
  get wide(): Int32Array | undefined {
    return this.#hasWide ? this.#wide : undefined;
  }
}
