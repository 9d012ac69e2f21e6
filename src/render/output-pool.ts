import { SampleBuffer } from './sample-buffer.ts';

/** `first`: a recording that has ended and is waited for. `last`: one that is trailed. */
export type Urgency = 'first' | 'last';

/** Limits how many recordings are worked on at a time; each borrows a buffer for its samples. */
export class OutputPool {
  readonly #free: SampleBuffer[];
  readonly #first: ((output: SampleBuffer) => void)[] = [];
  readonly #last: ((output: SampleBuffer) => void)[] = [];

  constructor(size: number) {
    this.#free = Array.from({ length: size }, () => new SampleBuffer());
  }

  /** Waits for a buffer (those that are `first` go before the others) and takes it back after `task`. */
  async lend<T>(urgency: Urgency, task: (output: SampleBuffer) => Promise<T>): Promise<T> {
    const output = this.#free.pop() ?? (await this.#next(urgency));
    try {
      return await task(output);
    } finally {
      output.clear();
      this.#takeBack(output);
    }
  }

  #next(urgency: Urgency): Promise<SampleBuffer> {
    return new Promise((resolve) => {
      (urgency === 'first' ? this.#first : this.#last).push(resolve);
    });
  }

  #takeBack(output: SampleBuffer): void {
    const next = this.#first.shift() ?? this.#last.shift();
    if (next === undefined) this.#free.push(output);
    else next(output);
  }
}
