import { TapedeckError } from '../core/error.ts';
import type { SqlBatch, SqlEngine, SqlExecutor, SqlResult } from '../core/ports/sql-engine.ts';

export type GroupedExecutorOptions = {
  /** Batches in one transaction. More wait for the next, so that the first need not wait long. Default 256. */
  readonly maxGroup?: number;
  /** Batches that may wait; more are refused with `too-many-requests`. Default 20,000. */
  readonly maxWaiting?: number;
  /** Runs a task after the messages that have arrived. Default `setImmediate`. */
  readonly defer?: (task: () => void) => void;
};

type Waiting = {
  readonly batch: SqlBatch;
  readonly resolve: (results: readonly SqlResult[]) => void;
  readonly reject: (error: TapedeckError) => void;
};

/**
 * Group commit: batches that arrive while a sync runs wait, and go together in the next one. The
 * database worker serves `execute` of this; in tests it runs in the test's own thread.
 */
export class GroupedExecutor implements SqlExecutor {
  readonly #engine: SqlEngine;
  readonly #maxGroup: number;
  readonly #maxWaiting: number;
  readonly #defer: (task: () => void) => void;
  readonly #waiting: Waiting[] = [];
  #deferred = false;
  #closed = false;

  /** Takes ownership of `engine`. */
  constructor(engine: SqlEngine, options: GroupedExecutorOptions = {}) {
    this.#engine = engine;
    this.#maxGroup = options.maxGroup ?? 256;
    this.#maxWaiting = options.maxWaiting ?? 20_000;
    this.#defer = options.defer ?? ((task) => void setImmediate(task));
  }

  execute(batch: SqlBatch): Promise<readonly SqlResult[]> {
    if (this.#closed) {
      return Promise.reject(new TapedeckError('shutting-down', 'the database is closed'));
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(
        new TapedeckError('too-many-requests', 'too many statements wait for the database'),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#schedule();
    });
  }

  /** Runs what waits, then closes the engine. Idempotent. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      while (this.#waiting.length > 0) this.#runGroup();
      this.#engine.close();
    }
    return Promise.resolve();
  }

  #schedule(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#defer(() => {
      this.#deferred = false;
      this.#runGroup();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #runGroup(): void {
    const group = this.#waiting.splice(0, this.#maxGroup);
    if (group.length === 0) return;
    const outcomes = this.#engine.executeGroup(group.map(({ batch }) => batch));
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome?.ok === true) resolve(outcome.results);
      else reject(outcome?.error ?? new TapedeckError('internal', 'a batch had no outcome'));
    }
  }
}
