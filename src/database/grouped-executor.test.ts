import { expect, test } from 'vitest';
import { GroupedExecutor } from './grouped-executor.ts';
import type { SqlEngine, SqlBatch } from '../core/ports/sql-engine.ts';

class CountingEngine implements SqlEngine {
  readonly groups: number[] = [];
  closed = 0;

  executeGroup(batches: readonly SqlBatch[]): ReturnType<SqlEngine['executeGroup']> {
    this.groups.push(batches.length);
    return batches.map((batch) => ({
      ok: true,
      results: batch.statements.map(() => ({ rows: [], changes: 1 })),
    }));
  }

  close(): void {
    this.closed += 1;
  }
}

const BATCH: SqlBatch = { intent: 'facts', statements: [{ sql: 'x', parameters: [] }] };

test('batches that arrive in one turn go together, no more than a group holds', async () => {
  const engine = new CountingEngine();
  const executor = new GroupedExecutor(engine, { maxGroup: 4 });
  await Promise.all(Array.from({ length: 10 }, () => executor.execute(BATCH)));
  expect(engine.groups).toEqual([4, 4, 2]);
});

test('what waits when it is closed still runs; what comes later is refused', async () => {
  const engine = new CountingEngine();
  const executor = new GroupedExecutor(engine);
  const waiting = executor.execute(BATCH);
  await executor.close();
  await executor.close();
  await expect(waiting).resolves.toHaveLength(1);
  expect(engine.closed).toBe(1);
  await expect(executor.execute(BATCH)).rejects.toMatchObject({ code: 'shutting-down' });
});

test('more waiting batches than allowed are refused, and those that wait are run', async () => {
  const engine = new CountingEngine();
  const executor = new GroupedExecutor(engine, { maxWaiting: 2 });
  const accepted = [executor.execute(BATCH), executor.execute(BATCH)];
  await expect(executor.execute(BATCH)).rejects.toMatchObject({ code: 'too-many-requests' });
  await expect(Promise.all(accepted)).resolves.toHaveLength(2);
});
