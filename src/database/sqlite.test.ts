import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../telemetry/system-random.ts';
import type { Ledger, Outbox } from '../core/ports/ledger.ts';
import { describeLedger } from '../../test/contract/ledger.ts';
import { describeOutbox } from '../../test/contract/outbox.ts';
import { GroupedExecutor } from './grouped-executor.ts';
import { sqliteBuilder } from './sql-builder.ts';
import { openSqliteEngine } from './sqlite-engine.ts';
import { SqlLedger } from './sql-ledger.ts';
import { SqlOutbox } from './sql-outbox.ts';

type OnSqlite = {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  reopen(): Promise<OnSqlite>;
  close(): Promise<void>;
};

function open(directory: string): OnSqlite {
  const executor = new GroupedExecutor(openSqliteEngine({ path: join(directory, 'tapedeck.db') }));
  const builder = sqliteBuilder();
  return {
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

async function make(): Promise<OnSqlite> {
  return open(await mkdtemp(join(tmpdir(), 'tapedeck-database-')));
}

describeLedger('SQLite', make);
describeOutbox('SQLite', make);
