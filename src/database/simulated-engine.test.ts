import { expect, test } from 'vitest';
import {
  aDelivery,
  anAttempt,
  anEvent,
  aRecording,
  START_MS,
} from '../../test/contract/ledger-records.ts';
import { describeLedger } from '../../test/contract/ledger.ts';
import { describeLedgerOfRecordings } from '../../test/contract/ledger-recordings.ts';
import { describeLedgerOfResponses } from '../../test/contract/ledger-responses.ts';
import { describeOutbox } from '../../test/contract/outbox.ts';
import type { SqliteDatabase } from '../../test/contract/sqlite-database.ts';
import type { SqlEngine } from '../core/ports/sql-engine.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { GroupedExecutor } from './grouped-executor.ts';
import { sqliteBuilder } from './sql-builder.ts';
import { SqlLedger } from './sql-ledger.ts';
import { SqlOutbox } from './sql-outbox.ts';
import { SimulatedEngine } from './testing/simulated-engine.ts';

function openOn(engine: SimulatedEngine): SqliteDatabase {
  // Whoever closes the database closes the engine; this one is opened again by the next.
  const lent: SqlEngine = {
    executeGroup: (batches) => engine.executeGroup(batches),
    close: () => undefined,
  };
  const executor = new GroupedExecutor(lent);
  const builder = sqliteBuilder();
  return {
    directory: '',
    ledger: new SqlLedger(executor, builder),
    outbox: new SqlOutbox(executor, builder, systemRandom),
    reopen: async () => {
      await executor.close();
      return openOn(engine);
    },
    close: async () => {
      await executor.close();
      engine.close();
    },
  };
}

const simulated = (): Promise<SqliteDatabase> => Promise.resolve(openOn(new SimulatedEngine()));

describeLedger('a simulated medium', simulated);
describeLedgerOfRecordings('a simulated medium', simulated);
describeLedgerOfResponses('a simulated medium', simulated);
describeOutbox('a simulated medium', simulated);

const oneEvent = (ledger: Ledger): Promise<void> =>
  ledger.commit([
    { kind: 'event', event: anEvent('e'), deliveries: [aDelivery('d', 'e', { attempts: 0 })] },
  ]);

test.each([
  [0, 'waiting'],
  [1, 'waiting'],
  [2, 'delivered'],
] as const)(
  'power that is lost takes bookkeeping, and no fact (%i groups left: %s)',
  async (kept, state) => {
    const engine = new SimulatedEngine();
    const { ledger, outbox } = openOn(engine);
    await oneEvent(ledger);
    await outbox.claimDue(START_MS, 1, 60_000);
    await outbox.settle(anAttempt('d', 1), { state: 'delivered' });
    engine.losePower(kept);
    const event = await outbox.event('e');
    expect(event?.deliveries).toMatchObject([{ deliveryId: 'd', state }]);
    await outbox.releaseLeases(START_MS);
    expect(await outbox.claimDue(START_MS + 1, 1, 60_000)).toHaveLength(
      state === 'waiting' ? 1 : 0,
    );
  },
);

test('a later fact brings the bookkeeping before it to the medium', async () => {
  const engine = new SimulatedEngine();
  const { ledger, outbox } = openOn(engine);
  await oneEvent(ledger);
  await outbox.claimDue(START_MS, 1, 60_000);
  await outbox.settle(anAttempt('d', 1), { state: 'delivered' });
  await ledger.commit([{ kind: 'recording', record: aRecording('r') }]);
  engine.losePower();
  expect((await outbox.event('e'))?.deliveries).toMatchObject([{ state: 'delivered' }]);
});

test('what a full medium refuses is not there, and what follows is', async () => {
  const engine = new SimulatedEngine();
  const { ledger } = openOn(engine);
  engine.refuse(1);
  await expect(
    ledger.commit([{ kind: 'recording', record: aRecording('r') }]),
  ).rejects.toMatchObject({ code: 'database-failed' });
  await ledger.commit([{ kind: 'recording', record: aRecording('s') }]);
  engine.losePower();
  expect(await ledger.recording(aRecording('r').recordingId)).toBeUndefined();
  expect(await ledger.recording(aRecording('s').recordingId)).toEqual(aRecording('s'));
});
