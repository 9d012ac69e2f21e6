import type { Block, BlockSink } from '../timeline/block-sink.ts';
import { BLOCK_SAMPLES } from '../timeline/constants.ts';

/** Adds up all voices and hands on what is heard. */
export class MixSink implements BlockSink {
  readonly #sum = new Int32Array(BLOCK_SAMPLES);
  readonly #take: (samples: Int32Array, from: number, to: number) => void;

  constructor(take: (samples: Int32Array, from: number, to: number) => void) {
    this.#take = take;
  }

  begin(): void {
    this.#sum.fill(0);
  }

  sumOf(): Int32Array {
    return this.#sum;
  }

  voiceDone(): void {
    // All go into one sum.
  }

  end({ heard }: Block): void {
    for (let part = 0; part < heard.length; part += 1) {
      this.#take(this.#sum, heard.from[part] ?? 0, heard.to[part] ?? 0);
    }
  }
}
