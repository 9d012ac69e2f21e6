import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MIGRATIONS } from './migrations.ts';
import { openSqliteEngine, type SqliteEngine } from './sqlite-engine.ts';
import type { SqlBatch, SqlValue } from '../core/ports/sql-engine.ts';

let directory: string;
let path: string;
const engines: SqliteEngine[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-engine-'));
  path = join(directory, 'tapedeck.db');
});

afterEach(async () => {
  for (const engine of engines.splice(0)) engine.close();
  await rm(directory, { recursive: true });
});

function open(): SqliteEngine {
  const engine = openSqliteEngine({ path });
  engines.push(engine);
  return engine;
}

function batch(
  intent: SqlBatch['intent'],
  ...statements: readonly (readonly [string, ...SqlValue[]])[]
): SqlBatch {
  return { intent, statements: statements.map(([sql, ...parameters]) => ({ sql, parameters })) };
}

const INSERT = 'insert into repeatability (key, status, body, stored_at_ms) values (?, 200, ?, 0)';
const KEYS = 'select key from repeatability order by key';

function keysIn(engine: SqliteEngine): readonly unknown[] {
  const [outcome] = engine.executeGroup([batch('read', [KEYS])]);
  if (outcome?.ok !== true) throw new Error('read failed');
  return (outcome.results[0]?.rows ?? []).map((row) => row['key']);
}

test('a batch that fails half-way leaves nothing of itself and all of its neighbours', () => {
  const engine = open();
  const outcomes = engine.executeGroup([
    batch('facts', [INSERT, 'a', '']),
    batch('facts', [INSERT, 'b', ''], [INSERT, 'a', '']),
    batch('facts', [INSERT, 'c', '']),
  ]);
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
  expect(outcomes[1]).toMatchObject({
    error: { code: 'database-failed', message: expect.stringContaining('UNIQUE') as string },
  });
  expect(keysIn(engine)).toEqual(['a', 'c']);
});

test('a batch fails when a statement changes another number of rows than expected', () => {
  const engine = open();
  const [outcome] = engine.executeGroup([
    {
      intent: 'facts',
      statements: [
        { sql: INSERT, parameters: ['a', ''] },
        { sql: 'delete from repeatability where key = ?', parameters: ['b'], expectChanges: 1 },
      ],
    },
  ]);
  expect(outcome).toMatchObject({ ok: false, error: { code: 'database-failed' } });
  expect(keysIn(engine)).toEqual([]);
});

test('a batch that changes much writes nothing beside the database', async () => {
  const aside = join(directory, 'aside');
  await mkdir(aside);
  const before = await stat(aside, { bigint: true });
  // Where SQLite writes what is temporary is known to a process from its start.
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      CHANGES_MUCH,
      new URL('sqlite-engine.ts', import.meta.url).href,
      path,
    ],
    { env: { ...process.env, SQLITE_TMPDIR: aside }, encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([0, '']);
  // A file that came and went has left its time on the directory.
  expect((await stat(aside, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
});

/** Changes more in one batch than SQLite keeps in memory for its savepoint by itself. */
const CHANGES_MUCH = `
  const [engineUrl, path] = process.argv.slice(1);
  const { openSqliteEngine } = await import(engineUrl);
  const engine = openSqliteEngine({ path });
  const insert = 'insert into repeatability (key, status, body, stored_at_ms) values (?, 200, ?, 0)';
  const run = (statements) => {
    const [outcome] = engine.executeGroup([{ intent: 'facts', statements }]);
    if (!outcome.ok) throw outcome.error;
  };
  const rows = Array.from({ length: 100 }, (_, index) => [String(index), 'x'.repeat(4_000)]);
  run(rows.map((parameters) => ({ sql: insert, parameters })));
  run([{ sql: 'update repeatability set body = ?', parameters: ['y'.repeat(4_000)] }]);
  engine.close();
`;

test('outcomes can be cloned to another thread', () => {
  const engine = open();
  engine.executeGroup([batch('facts', [INSERT, 'a', ''])]);
  const outcomes = engine.executeGroup([batch('read', [KEYS])]);
  expect(structuredClone(outcomes)).toEqual(outcomes);
});

test('a group with a fact is synced in full, bookkeeping alone is not', () => {
  const engine = open();
  const synchronous = batch('bookkeeping', ['PRAGMA synchronous']);
  const level = (...group: readonly SqlBatch[]): unknown => {
    const outcome = engine.executeGroup([synchronous, ...group])[0];
    return outcome?.ok === true ? outcome.results[0]?.rows[0]?.['synchronous'] : outcome;
  };
  const FULL = 2;
  const NORMAL = 1;
  expect(level()).toBe(NORMAL);
  expect(level(batch('facts', [INSERT, 'a', '']))).toBe(FULL);
  expect(level(batch('bookkeeping', [INSERT, 'b', '']))).toBe(NORMAL);
});

test('the file is in WAL mode and foreign keys are enforced', () => {
  const engine = open();
  const [outcome] = engine.executeGroup([
    batch('read', ['PRAGMA journal_mode'], ['PRAGMA foreign_keys']),
  ]);
  expect(outcome).toMatchObject({
    results: [{ rows: [{ journal_mode: 'wal' }] }, { rows: [{ foreign_keys: 1 }] }],
  });
});

test('migrations are numbered from 1 without gaps and applied once', () => {
  expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  const first = open();
  first.executeGroup([batch('facts', [INSERT, 'a', ''])]);
  first.close();
  expect(keysIn(open())).toEqual(['a']);
});

test('a database of a newer version is refused and left as it is', () => {
  open().close();
  const newer = new DatabaseSync(path);
  newer.exec("insert into schema_migrations values (999, 'of tomorrow')");
  newer.close();
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: 'database-failed',
      message: expect.stringMatching(/schema 999.*newer Tapedeck/) as string,
    }) as Error,
  );
  const after = new DatabaseSync(path);
  expect(after.prepare('select max(version) as v from schema_migrations').get()?.['v']).toBe(999);
  after.close();
});

test('a file that is not a database, or a directory that is not there, is refused with its path', async () => {
  await writeFile(path, 'This is a text file and certainly no database. '.repeat(100));
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: 'database-failed',
      message: expect.stringContaining(path) as string,
    }) as Error,
  );
  path = join(directory, 'missing', 'tapedeck.db');
  expect(() => open()).toThrow(expect.objectContaining({ code: 'database-failed' }) as Error);
});

test('after close every batch fails with an error, and closing again does nothing', () => {
  const engine = open();
  engine.close();
  engine.close();
  const outcomes = engine.executeGroup([batch('facts', [INSERT, 'a', '']), batch('read', [KEYS])]);
  expect(outcomes).toMatchObject([
    { ok: false, error: { code: 'database-failed' } },
    { ok: false, error: { code: 'database-failed' } },
  ]);
});

test('a full database fails the group with an error and goes on when there is room again', () => {
  const engine = open();
  engine.executeGroup([batch('facts', [INSERT, 'a', ''])]);
  engine.executeGroup([batch('read', ['PRAGMA max_page_count = 1'])]);
  const big = 'x'.repeat(1_000_000);
  const outcomes = engine.executeGroup([batch('facts', [INSERT, 'b', big])]);
  expect(outcomes).toMatchObject([
    { ok: false, error: { message: expect.stringContaining('full') as string } },
  ]);
  engine.executeGroup([batch('read', ['PRAGMA max_page_count = 1000000'])]);
  expect(engine.executeGroup([batch('facts', [INSERT, 'c', big])])).toMatchObject([{ ok: true }]);
  expect(keysIn(engine)).toEqual(['a', 'c']);
});

test('what is replaced or deleted is not in the database file any more', async () => {
  const engine = open();
  const secret = (name: string): string => `metadata of ${name} `.repeat(20);
  engine.executeGroup([
    batch('facts', [INSERT, 'a', secret('somebody')], [INSERT, 'b', secret('somebody else')]),
  ]);
  engine.executeGroup([batch('read', ['PRAGMA wal_checkpoint'])]);
  engine.executeGroup([
    batch('facts', ["update repeatability set body = '' where key = 'a'"]),
    batch('facts', ["delete from repeatability where key = 'b'"]),
  ]);
  engine.close();
  const left = await readFile(path);
  expect(left.includes('repeatability')).toBe(true);
  expect(left.includes('metadata of somebody')).toBe(false);
  expect(await readdir(directory)).toEqual(['tapedeck.db']);
});
