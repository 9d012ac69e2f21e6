import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GroupedExecutor } from './grouped-executor.ts';
import { pendingMigrations } from './migrations.ts';
import { sqliteBuilder } from './sql-builder.ts';
import { SqlLedger } from './sql-ledger.ts';
import { openSqliteEngine } from './sqlite-engine.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-migrations-'));
  path = join(directory, 'tapedeck.db');
});
afterEach(() => rm(directory, { recursive: true }));

/** A database as a program of that version left it. */
function leftBy(version: number, rows: readonly string[]): void {
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL)');
  for (const migration of pendingMigrations(sqliteBuilder(), 0)) {
    if (migration.version > version) break;
    for (const text of migration.statements) database.exec(text);
  }
  for (const text of rows) database.exec(text);
  database.close();
}

function recording(id: string, state: string): string {
  return `insert into recordings (recording_id, server_call_id, state, origin, api_version,
    journal_directory, document_id, started_at_ms, ended_at_ms)
    values ('${id}', 'call', '${state}', 'api', '', '/j/${id}', '0-td-1-${id}', 1000, 2000)`;
}

function chunk(id: string, deletedAtMs: number | null): string {
  return `insert into chunks (document_id, recording_id, "index", blob_key, size_bytes, duration_ms,
    sha256, end_reason, metadata, created_at_ms, deleted_at_ms)
    values ('0-td-1-${id}', '${id}', 0, 'recordings/${id}.wav', 1, 1, '', 'SessionEnded',
      '{"a":1}', 2000, ${String(deletedAtMs)})`;
}

test('what version 1 stored was mixed WAV, and what it deleted is gone with its journal', async () => {
  leftBy(1, [
    ...[recording('kept', 'done'), chunk('kept', null)],
    ...[recording('deleted', 'done'), chunk('deleted', 3000)],
    recording('silent', 'done'),
    recording('running', 'active'),
  ]);
  const executor = new GroupedExecutor(openSqliteEngine({ path }));
  try {
    const ledger = new SqlLedger(executor, sqliteBuilder());
    expect(await ledger.recording('kept' as never)).toMatchObject({
      plan: { format: { container: 'wav', channels: 'mixed' } },
      startedByConnection: false,
      journalRemovedAtMs: undefined,
    });
    expect(await ledger.chunk('0-td-1-kept' as never)).toMatchObject({
      purpose: 'session',
      format: { container: 'wav', channels: 'mixed' },
      channels: 1,
      peaksKey: '',
      metadata: '{"a":1}',
      purgedAtMs: undefined,
    });
    expect(await ledger.chunk('0-td-1-deleted' as never)).toMatchObject({
      metadata: '',
      deletedAtMs: 3000,
      purgedAtMs: 3000,
    });
    expect(await ledger.unpurgedChunks(10)).toEqual([]);
    expect([...(await ledger.journalDirectories())].sort()).toEqual(['/j/kept', '/j/running']);
    expect(await ledger.recording('silent' as never)).toMatchObject({ journalRemovedAtMs: 2000 });
    expect(await ledger.recording('deleted' as never)).toMatchObject({ journalRemovedAtMs: 3000 });
  } finally {
    await executor.close();
  }
});
