import { TapedeckError } from '../../core/error.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';

/** Ends work that makes no progress. */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #ended = new AbortController();
  #timer: Timer | undefined;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Aborted when there was no progress for so long, or by `end`. */
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
   */
  async during<T>(task: () => Promise<T>): Promise<T> {
    const { signal } = this;
    this.#restart();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      aborted.reject(new TapedeckError('destination-unreachable', 'The upload stood still.'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([task(), aborted.promise]);
    } finally {
      this.#timer?.cancel();
      this.#timer = undefined;
      signal.removeEventListener('abort', onAbort);
    }
  }

  #restart(): void {
    this.#timer = this.#clock.setTimer(this.#limitMs, () => {
      this.end();
    });
  }
}
