import { BlockSum } from '../block-sum.ts';
import type { Block, BlockSink } from '../timeline/block-sink.ts';

/** Adds up all voices of 8 kHz and hands on what is heard. */
export class MixSink implements BlockSink {
  readonly #sum = new BlockSum();
  readonly #take: (samples: Int32Array, from: number, to: number) => void;

  constructor(take: (samples: Int32Array, from: number, to: number) => void) {
    this.#take = take;
  }

  begin(): void {
    this.#sum.clear();
  }

  sumOf(): BlockSum {
    return this.#sum;
  }

  voiceDone(): void {
    // All go into one sum.
  }

  end({ heard }: Block): void {
    for (let part = 0; part < heard.length; part += 1) {
      this.#take(this.#sum.narrow, heard.from[part] ?? 0, heard.to[part] ?? 0);
    }
  }
}
