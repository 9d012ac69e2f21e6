import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger, Outbox } from '../../src/core/ports/ledger.ts';
import { GroupedExecutor } from '../../src/database/grouped-executor.ts';
import { sqliteBuilder } from '../../src/database/sql-builder.ts';
import { openSqliteEngine } from '../../src/database/sqlite-engine.ts';
import { SqlLedger } from '../../src/database/sql-ledger.ts';
import { SqlOutbox } from '../../src/database/sql-outbox.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';

/** Ledger and outbox on a SQLite file of their own, in the thread of the test. */
export type SqliteDatabase = {
  readonly directory: string;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  /** Closes the database and opens the same file again. */
  reopen(): Promise<SqliteDatabase>;
  /** Closes the database and removes its directory. */
  close(): Promise<void>;
};

export async function temporaryDatabase(): Promise<SqliteDatabase> {
  return open(await mkdtemp(join(tmpdir(), 'tapedeck-database-')));
}

function open(directory: string): SqliteDatabase {
  const executor = new GroupedExecutor(openSqliteEngine({ path: join(directory, 'tapedeck.db') }));
  const builder = sqliteBuilder();
  return {
    directory,
    ledger: new SqlLedger(executor, builder),
    outbox: new SqlOutbox(executor, builder, systemRandom),
    reopen: async () => {
      await executor.close();
      return open(directory);
    },
    close: async () => {
      await executor.close();
      await rm(directory, { recursive: true });
    },
  };
}
