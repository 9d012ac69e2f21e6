import { TapedeckError } from '../../core/error.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';

/** Ends work that makes no progress, or takes too long altogether. */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #stillMs: number;
  readonly #ended = new AbortController();
  #timer: Timer | undefined;

  /** @param stillMs how long may pass without progress. */
  constructor(clock: Clock, stillMs: number) {
    this.#clock = clock;
    this.#stillMs = stillMs;
  }

  /** Aborted when a limit of `during` was reached, or by `end`. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  end(): void {
    this.#ended.abort();
  }

  progress(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#restart();
  }

  /**
   * Rejects with `destination-unreachable` as soon as the signal is aborted, however long `task` may
   * still take to notice.
   * @param totalMs what all of it may take; as long as it makes progress by default.
   */
  async during<T>(task: () => Promise<T>, totalMs?: number): Promise<T> {
    const { signal } = this;
    this.#restart();
    const total =
      totalMs === undefined
        ? undefined
        : this.#clock.setTimer(totalMs, () => {
            this.end();
          });
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      aborted.reject(new TapedeckError('destination-unreachable', 'The upload took too long.'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([task(), aborted.promise]);
    } finally {
      total?.cancel();
      this.#timer?.cancel();
      this.#timer = undefined;
      signal.removeEventListener('abort', onAbort);
    }
  }

  #restart(): void {
    this.#timer = this.#clock.setTimer(this.#stillMs, () => {
      this.end();
    });
  }
}
