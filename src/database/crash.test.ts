import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { systemRandom } from '../telemetry/system-random.ts';
import { aCall, START_MS } from '../../test/contract/ledger-records.ts';
import { GroupedExecutor } from './grouped-executor.ts';
import { sqliteBuilder } from './sql-builder.ts';
import { openSqliteEngine } from './sqlite-engine.ts';
import { SqlLedger } from './sql-ledger.ts';
import { SqlOutbox } from './sql-outbox.ts';

/** Commits a call with its event in a loop, four at a time, and prints each id once it is durable. */
const WRITER = `
const from = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}).href);
const { GroupedExecutor } = await from('./grouped-executor.ts');
const { openSqliteEngine } = await from('./sqlite-engine.ts');
const { sqliteBuilder } = await from('./sql-builder.ts');
const { SqlLedger } = await from('./sql-ledger.ts');
const { aCall, anEvent, aDelivery } = await from('../../test/contract/ledger-records.ts');
const [, path, run] = process.argv;
const executor = new GroupedExecutor(openSqliteEngine({ path }));
const ledger = new SqlLedger(executor, sqliteBuilder());
async function write(lane) {
  for (let n = 0; ; n += 1) {
    const id = [run, lane, n].join('-');
    await ledger.commit([
      { kind: 'call', record: aCall(id) },
      { kind: 'event', event: anEvent(id), deliveries: [aDelivery(id, id)] },
    ]);
    process.stdout.write(id + '\\n');
  }
}
await Promise.all([1, 2, 3, 4].map(write));
`;

async function writeAndKill(path: string, run: number, acknowledged: Set<string>): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--no-warnings', '-e', WRITER, path, String(run)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const killAt = acknowledged.size + 20 + run * 37;
  for await (const line of createInterface(child.stdout)) {
    acknowledged.add(line);
    if (acknowledged.size >= killAt) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}

test('whatever was acknowledged before kill -9 is there, whole, and due for delivery', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tapedeck-kill-'));
  const path = join(directory, 'tapedeck.db');
  const acknowledged = new Set<string>();
  try {
    for (let run = 0; run < 4; run += 1) {
      await writeAndKill(path, run, acknowledged);
      const executor = new GroupedExecutor(openSqliteEngine({ path }));
      const builder = sqliteBuilder();
      const ledger = new SqlLedger(executor, builder);
      const { calls } = await ledger.unfinished();
      const stored = new Set<string>(calls.map((call) => call.serverCallId));
      expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
      // Call and event were one commit: neither is there without the other.
      const outbox = new SqlOutbox(executor, builder, systemRandom);
      const due = await outbox.claimDue(START_MS, 1_000_000, 0);
      expect(new Set(due.map(({ event }) => event.eventId))).toEqual(stored);
      expect(calls.every((call) => call.state === aCall('x').state)).toBe(true);
      await executor.close();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
