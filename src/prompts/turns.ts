import { TapedeckError } from '../core/error.ts';

export type TurnLimits = {
  readonly maxAtOnce: number;
  /** More are refused. */
  readonly maxWaiting: number;
};

/** Lets so much be done at once, in the order in which it was asked for. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Does `work` when it is its turn. Rejects as `work` does; with the signal's reason when it was aborted
   * while it waited; with `operations-throttled` when too many wait.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#limits.maxAtOnce) this.#running += 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      // Whoever is next takes the place over; a newcomer cannot come between.
      const [next] = this.#waiting;
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#limits.maxWaiting) {
      throw new TapedeckError('operations-throttled', 'Too many prompts wait to be made ready.');
    }
    return new Promise((resolve, reject) => {
      const give = (): void => {
        this.#waiting.delete(give);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(give);
        reject(signal.reason as Error);
      };
      this.#waiting.add(give);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
