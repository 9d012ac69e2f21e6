import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BotEvents, type BotConnection } from '../../src/calls/events/bot-events.ts';
import { EventPublisher } from '../../src/calls/events/publisher.ts';
import type { DocumentId } from '../../src/core/ids.ts';
import { ManualClock } from '../../src/core/manual-clock.ts';
import type { Fact } from '../../src/core/ports/ledger.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import type { ResponseCompletion } from '../../src/core/ports/response-recorder.ts';
import { Delivery } from '../../src/delivery/delivery.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { AddressPolicy } from '../../src/net/address-policy.ts';
import { GuardedHttp } from '../../src/net/guarded-http.ts';
import { SystemResolver } from '../../src/net/host-resolver.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { aConnection, START_MS } from '../contract/ledger-records.ts';
import { temporaryDatabase, type SqliteDatabase } from '../contract/sqlite-database.ts';
import { until } from '../contract/until.ts';
import { type Json, NotificationReceiver } from '../support/notification-receiver.ts';

const HOUR_MS = 3_600_000;
const CALL = '8c0f2b6e-1d3a-4f57-9a60-7be4c2d91f05';

const tokens = { tokenOf: (documentId: DocumentId): string => `token of ${documentId}` };

let database: SqliteDatabase;
let clock: ManualClock;
let hook: NotificationReceiver;
let delivery: Delivery;
let connection: BotConnection;
let events: BotEvents;

beforeEach(async () => {
  database = await temporaryDatabase();
  clock = new ManualClock(START_MS);
  const publisher = new EventPublisher({ clock, random: systemRandom, subscribersOf: () => [] });
  events = new BotEvents(publisher, tokens);
  hook = await NotificationReceiver.open();
  connection = {
    ...aConnection(CALL, { callbackUri: `${hook.url}/callbacks` }),
    bot: {
      applicationId: 'bot',
      tenantId: 'tenant',
      applicationName: 'Recorder',
      direction: 'incoming',
      participantId: 'participant',
      media: 'service-hosted',
      operationStatus: 'camelCase',
    },
  };
  delivery = new Delivery({
    clock,
    random: { ...systemRandom, fraction: () => 0 },
    log: SILENT_LOGGER,
    outbox: database.outbox,
    sender: new GuardedHttp(new AddressPolicy(['127.0.0.0/8']), new SystemResolver(clock), clock),
    signer: { authorization: () => Promise.resolve('Bearer signed') },
    notificationSigner: { authorization: () => Promise.resolve('Bearer signed') },
    responseTokens: tokens,
    disk: nodeDisk,
    deadLetterDirectory: join(database.directory, 'dead-letters'),
    subscription: () => undefined,
    topic: '/topic',
    webhookOrigin: 'tapedeck.test',
    soleDeliverer: true,
  });
  await delivery.start();
});

afterEach(async () => {
  await delivery.close(0);
  hook.close();
  await database.close();
});

/** What a call with two responses tells its bot, from its answer to its end. */
function facts(): readonly Fact[] {
  const ended = (operationId: string): readonly Fact[] =>
    events.operation(connection, 'chain', {
      name: 'RecordResponseEnded',
      request: { operationId },
      data: {
        operationId,
        outcome: 'max-duration',
        status: 'completed',
        resultInformation: { code: 200, subCode: 8515, message: 'done' },
        completionReason: 'maxRecordDurationReached',
        recording: {
          documentId: `0-td-1-${operationId}` as DocumentId,
          location: `https://tapedeck.test/recordings/0-td-1-${operationId}`,
          sizeBytes: 44,
          durationMs: 0,
        },
      } satisfies ResponseCompletion,
    });
  const result = { code: 200, subCode: 7000, message: 'over' };
  return [
    ...events.life(connection, 'chain', 'CallConnected', result),
    ...ended('one'),
    ...ended('two'),
    ...events.life(connection, 'chain', 'CallDisconnected', result),
  ];
}

/** Lets time pass, and after each step what is due then be tried. */
async function pass(ms: number): Promise<void> {
  for (const endMs = clock.nowMs() + ms; clock.nowMs() < endMs;) {
    const before = await progress();
    const dueMs = (await database.outbox.nextDueAtMs()) ?? Infinity;
    const stepMs = Math.min(endMs, Math.max(dueMs, clock.nowMs() + 1)) - clock.nowMs();
    clock.advance(stepMs);
    if (dueMs > clock.nowMs()) continue;
    await until('it is tried', async () => {
      // It sleeps a minute at most, and looks at the clock then.
      clock.advance(1);
      return (await progress()) > before;
    });
  }
}

/** Counts what happens to deliveries: attempts, and deaths without one. */
async function progress(): Promise<number> {
  const all = await database.outbox.events({ limit: 100 });
  const deliveries = all.flatMap((event) => event.deliveries);
  const dead = deliveries.filter(({ state }) => state === 'dead');
  return deliveries.reduce((sum, { attempts }) => sum + attempts, dead.length);
}

const told = (): readonly unknown[] =>
  hook.received.map(({ changeType, resourceData }) => [
    changeType,
    resourceData['state'] ?? resourceData['id'],
  ]);

const WHOLE_CALL = [
  ['updated', 'established'],
  ['deleted', 'one'],
  ['deleted', 'two'],
  ['updated', 'terminating'],
  ['deleted', 'terminated'],
];

async function statesOf(): Promise<readonly string[]> {
  const all = await database.outbox.events({ limit: 100 });
  return all.map((event) => event.deliveries[0]?.state ?? 'none');
}

test('a bot that is down for an hour hears all of its call afterwards, in order, each once', async () => {
  const { port } = hook;
  hook.close();
  await database.ledger.commit(facts());
  delivery.wake();
  await until('the first is tried', async () => (await progress()) === 1);
  await pass(HOUR_MS);
  expect(await statesOf()).toEqual(Array(5).fill('waiting'));
  hook = await NotificationReceiver.open(port);
  await pass(HOUR_MS);
  await until('all are told', () => hook.received.length === 5);
  expect(told()).toEqual(WHOLE_CALL);
  const response = hook.received[1]?.resourceData as Json;
  expect(response['recordingAccessToken']).toBe('token of 0-td-1-one');
  await until('that is noted', async () => (await statesOf()).every((one) => one === 'delivered'));
});

test('a bot that is down for ever leaves dead letters, which are delivered again when that is asked', async () => {
  const { port } = hook;
  hook.close();
  await database.ledger.commit(facts());
  delivery.wake();
  await until('the first is tried', async () => (await progress()) === 1);
  await pass(25 * HOUR_MS);
  await until('all are dead', async () => (await statesOf()).every((state) => state === 'dead'));
  hook = await NotificationReceiver.open(port);
  await pass(HOUR_MS);
  expect(hook.received).toEqual([]);
  const listed = await database.outbox.events({ limit: 100 });
  const end = listed.find(({ event }) => event.subject.endsWith('/operations/TWO'));
  expect(await delivery.redeliver(end?.event.eventId ?? '')).toBe(1);
  await until('it is told', () => hook.received.length === 1);
  expect(told()).toEqual([['deleted', 'two']]);
});
