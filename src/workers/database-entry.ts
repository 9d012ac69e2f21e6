import { workerData } from 'node:worker_threads';
import { GroupedExecutor } from '../database/grouped-executor.ts';
import type { SqlBatch } from '../core/ports/sql-engine.ts';
import { openSqliteEngine } from '../database/sqlite-engine.ts';
import { TapedeckError } from '../core/error.ts';
import { serveChannel } from './channel.ts';
import { ownEnd } from './entry.ts';

const { path } = workerData as { readonly path: string };

let executor: GroupedExecutor | undefined;

serveChannel(ownEnd(), {
  /** Separate from the start of the thread, so that a refusal reaches whoever asked. */
  open: () => {
    executor = new GroupedExecutor(openSqliteEngine({ path }));
    return Promise.resolve();
  },
  execute: (batch: SqlBatch) =>
    executor?.execute(batch) ??
    Promise.reject(new TapedeckError('database-failed', 'the database is not open')),
  close: async () => {
    await executor?.close();
  },
});
