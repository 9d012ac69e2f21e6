/**
 * Commits a second on SQLite: one at a time, and many waiting together, so that they share a sync.
 * `node test/bench/ledger-commit.ts [directory]`; prints one JSON line a case, first with the
 * database in its own thread, as the server has it, then in the thread of the caller. CPU time is
 * that of the whole process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GroupedExecutor } from '../../src/database/grouped-executor.ts';
import { sqliteBuilder } from '../../src/database/sql-builder.ts';
import { openSqliteEngine } from '../../src/database/sqlite-engine.ts';
import { SqlLedger } from '../../src/database/sql-ledger.ts';
import { SqlOutbox } from '../../src/database/sql-outbox.ts';
import { DatabaseWorker } from '../../src/workers/database-worker.ts';
import type { SqlExecutor } from '../../src/core/ports/sql-engine.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { aCall, aDelivery, anAttempt, anEvent, START_MS } from '../contract/ledger-records.ts';

const RUN_MS = 3_000;

let next = 0;

async function measure(name: string, parallel: number, work: () => Promise<number>): Promise<void> {
  const latenciesMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (performance.now() - startMs < RUN_MS) {
        const beganMs = performance.now();
        const count = await work();
        if (count === 0) return;
        done += count;
        latenciesMs.push(performance.now() - beganMs);
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  latenciesMs.sort((a, b) => a - b);
  console.log(
    JSON.stringify({
      case: name,
      parallel,
      perSecond: Math.round(done / seconds),
      p50Ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.5)] ?? 0),
      p95Ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.95)] ?? 0),
      cpuUsEach: Math.round((cpu.user + cpu.system) / Math.max(1, done)),
    }),
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function run(where: string, executor: SqlExecutor): Promise<void> {
  const ledger = new SqlLedger(executor, sqliteBuilder());
  const outbox = new SqlOutbox(executor, sqliteBuilder(), systemRandom);
  for (const parallel of [1, 8, 64, 256]) {
    await measure(`commit of a call with an event, ${where}`, parallel, async () => {
      const id = String(next++);
      await ledger.commit([
        { kind: 'call', record: aCall(id) },
        { kind: 'event', event: anEvent(id), deliveries: [aDelivery(id, id)] },
      ]);
      return 1;
    });
  }
  for (const parallel of [1, 8]) {
    await measure(`claim of one delivery and its settlement, ${where}`, parallel, async () => {
      const due = await outbox.claimDue(START_MS, 1, 3_600_000);
      for (const { delivery } of due) {
        await outbox.settle(anAttempt(delivery.deliveryId, 1), { state: 'delivered' });
      }
      return due.length;
    });
  }
}

const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'tapedeck-bench-'));
const worker = await DatabaseWorker.open(join(directory, 'worker.db'), (error) => {
  throw error;
});
await run('own thread', worker);
await worker.close();

const executor = new GroupedExecutor(openSqliteEngine({ path: join(directory, 'local.db') }));
await run('same thread', executor);
await executor.close();
await rm(directory, { recursive: true });
