import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import { WorkerThread, type WorkerThreadOptions } from './worker-thread.ts';

/** One that lived so long did its work; it is replaced at once. */
const LONG_LIFE_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export type LastingThreadOptions = Omit<WorkerThreadOptions, 'onLost'> & {
  readonly clock: Clock;
  readonly log: Logger;
  /** The thread died; what it held is gone. Called before another one is there. */
  readonly onLost: () => void;
};

/**
 * A worker that is started anew when it dies: at once, but after a growing pause when it died young,
 * so that one that cannot start does not keep a core busy. Requests meanwhile are rejected with
 * `worker-failed`.
 */
export class LastingThread {
  readonly #options: LastingThreadOptions;
  #thread: WorkerThread;
  #startedUs = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #isUp = false;
  #closing: Promise<void> | undefined;

  constructor(options: LastingThreadOptions) {
    this.#options = options;
    this.#thread = this.#start();
  }

  /** Whether a thread is there to be asked. */
  get isUp(): boolean {
    return this.#isUp;
  }

  request<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.#thread.request<T>(method, ...args);
  }

  /** As `ChannelClient.requestWith`. */
  requestWith<T>(
    transfer: readonly ArrayBuffer[],
    method: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    return this.#thread.requestWith<T>(transfer, method, ...args);
  }

  /** As `WorkerThread.close`; no other thread is started. */
  close(): Promise<void> {
    this.#closing ??= this.#thread.close();
    return this.#closing;
  }

  #start(): WorkerThread {
    const { clock, log, name, entry, data, onEvent, onLost } = this.#options;
    this.#startedUs = clock.monotonicUs();
    this.#isUp = true;
    return new WorkerThread({
      name,
      entry,
      data,
      ...(onEvent === undefined ? {} : { onEvent }),
      onLost: (error) => {
        this.#isUp = false;
        const livedMs = (clock.monotonicUs() - this.#startedUs) / 1000;
        const pauseMs = livedMs >= LONG_LIFE_MS ? 0 : this.#pauseMs;
        this.#pauseMs = pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        log.error({ worker: name, error, pauseMs }, 'a worker died; another takes over');
        onLost();
        clock.setTimer(pauseMs, () => {
          if (this.#closing === undefined) this.#thread = this.#start();
        });
      },
    });
  }
}
