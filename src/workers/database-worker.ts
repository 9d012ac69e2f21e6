import type { TapedeckError } from '../core/error.ts';
import type { SqlBatch, SqlExecutor, SqlResult } from '../core/ports/sql-engine.ts';
import { WorkerThread } from './worker-thread.ts';

/** The database on its own thread: `node:sqlite` is synchronous, and syncs would stop the calls. */
export class DatabaseWorker implements SqlExecutor {
  readonly #thread: WorkerThread;

  private constructor(thread: WorkerThread) {
    this.#thread = thread;
  }

  /** Opens or makes the database file; rejects with `database-failed`. */
  static async open(path: string, onLost: (error: TapedeckError) => void): Promise<DatabaseWorker> {
    const thread = new WorkerThread({ name: 'database', data: { path }, onLost });
    try {
      await thread.request<undefined>('open');
    } catch (error) {
      await thread.close();
      throw error;
    }
    return new DatabaseWorker(thread);
  }

  execute(batch: SqlBatch): Promise<readonly SqlResult[]> {
    return this.#thread.request('execute', batch);
  }

  /** What waits is committed first. Idempotent. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
