import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { DeliveryRecord, EventRecord, SubscriptionRecord } from '../core/records.ts';
import { nodeDisk } from '../journal/node-disk.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { aDelivery, anEvent, aSubscription, START_MS } from '../../test/contract/ledger-records.ts';
import { temporaryDatabase, type SqliteDatabase } from '../../test/contract/sqlite-database.ts';
import { until } from '../../test/contract/until.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { FakeSender } from './testing/fake-sender.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const WITHOUT_JITTER: Random = { ...systemRandom, fraction: () => 0 };
const CALLBACK = 'http://receiver.test/callback';

let database: SqliteDatabase;
let clock: ManualClock;
let sender: FakeSender;
let subscriptions: Map<string, SubscriptionRecord>;
let running: Delivery[];

beforeEach(async () => {
  database = await temporaryDatabase();
  clock = new ManualClock(START_MS);
  sender = new FakeSender();
  subscriptions = new Map([['hook', aSubscription('hook')]]);
  running = [];
});

afterEach(async () => {
  for (const delivery of running) await delivery.close(0);
  await database.close();
});

async function started(with_: Partial<DeliveryOptions> = {}): Promise<Delivery> {
  const delivery = new Delivery({
    clock,
    random: WITHOUT_JITTER,
    log: SILENT_LOGGER,
    outbox: database.outbox,
    sender,
    signer: { authorization: () => Promise.resolve('Bearer token') },
    notificationSigner: { authorization: () => Promise.resolve('Bearer token') },
    responseTokens: { tokenOf: (documentId) => `token of ${documentId}` },
    disk: nodeDisk,
    deadLetterDirectory: join(database.directory, 'dead-letters'),
    subscription: (name) => subscriptions.get(name),
    topic: '/topic',
    webhookOrigin: 'eventgrid.azure.net',
    soleDeliverer: true,
    ...with_,
  });
  running.push(delivery);
  await delivery.start();
  return delivery;
}

async function raise(
  id: string,
  with_: Partial<DeliveryRecord> = {},
  event: Partial<EventRecord> = {},
): Promise<void> {
  await database.ledger.commit([
    {
      kind: 'event',
      event: anEvent(id, { kind: 'callback', source: 'calls/1', occurredAtMs: START_MS, ...event }),
      deliveries: [aDelivery(`delivery-${id}`, id, { destination: CALLBACK, ...with_ })],
    },
  ]);
}

async function stateOf(id: string): Promise<DeliveryRecord['state'] | undefined> {
  return (await database.outbox.event(id))?.deliveries[0]?.state;
}

async function attemptsOf(id: string): Promise<number> {
  return (await database.outbox.event(id))?.attempts.length ?? 0;
}

/** Lets whatever can happen without time passing happen. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await turn();
}

async function advance(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

async function deadLetterOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  const path = join(database.directory, 'dead-letters/2026/4');
  const files = await readdir(path, { recursive: true });
  const file = files.find((name) => name.endsWith(`delivery-${id}.json`));
  const letters = JSON.parse(await readFile(join(path, file ?? 'none'), 'utf8')) as [
    Readonly<Record<string, unknown>>,
  ];
  expect(letters).toHaveLength(1);
  return letters[0];
}

test('an event is posted as soon as it is announced, without any time passing', async () => {
  const delivery = await started();
  await settle();
  await raise('e');
  delivery.wake();
  await until('delivered', async () => (await stateOf('e')) === 'delivered');
  expect(sender.eventIds()).toEqual(['e']);
  expect(clock.nowMs()).toBe(START_MS);
});

test('a failing destination is tried by the documented schedule until the time to live is over', async () => {
  const attemptedAtMs: number[] = [];
  sender.answer = () => {
    attemptedAtMs.push(clock.nowMs() - START_MS);
    return { status: 500 };
  };
  await raise('e', { expiresAtMs: START_MS + 24 * HOUR_MS });
  await started();
  for (let attempt = 1; (await stateOf('e')) === 'waiting'; attempt += 1) {
    await until(
      `attempt ${String(attempt)}`,
      async () => (await attemptsOf('e')) === attempt || (await stateOf('e')) === 'dead',
    );
    await settle();
    const nextMs = await database.outbox.nextDueAtMs();
    // In steps: the outbox is looked at every minute, whatever is due.
    while (nextMs !== undefined && clock.nowMs() < nextMs) {
      await advance(Math.min(MINUTE_MS, nextMs - clock.nowMs()));
    }
  }
  const waits = [10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200];
  let sum = 0;
  expect(attemptedAtMs).toEqual([0, ...waits.map((wait) => (sum += wait * SECOND_MS))]);
  expect(clock.nowMs()).toBe(START_MS + 24 * HOUR_MS);
  expect(await attemptsOf('e')).toBe(attemptedAtMs.length);
  expect(await deadLetterOf('e')).toMatchObject({
    id: 'e',
    deadLetterReason: 'TimeToLiveExceeded',
    deliveryAttempts: 11,
    lastDeliveryOutcome: 'GenericError',
    lastHttpStatusCode: 500,
    publishTime: '2026-04-02T09:00:00.0000000Z',
    lastDeliveryAttemptTime: '2026-04-03T07:46:40.0000000Z',
  });
});

test.each([
  [400, 'UndeliverableDueToHttpBadRequest', 'BadRequest'],
  [401, 'UndeliverableDueToHttpUnauthorized', 'Unauthorized'],
  [403, 'UndeliverableDueToHttpForbidden', 'Forbidden'],
  [413, 'UndeliverableDueToHttpRequestEntityTooLarge', 'RequestEntityTooLarge'],
])('status %i is never retried: the event is dead', async (status, reason, outcome) => {
  sender.answer = () => ({ status });
  await raise('e');
  await started();
  await until('dead', async () => (await stateOf('e')) === 'dead');
  await advance(24 * HOUR_MS);
  expect(sender.requests).toHaveLength(1);
  expect(await deadLetterOf('e')).toMatchObject({
    deadLetterReason: reason,
    deliveryAttempts: 1,
    lastDeliveryOutcome: outcome,
  });
});

test('no more attempts are made than allowed', async () => {
  sender.answer = () => 'unreachable';
  await raise('e', { maxAttempts: 2 });
  await started();
  await until('first', async () => (await attemptsOf('e')) === 1);
  await settle();
  await advance(10 * SECOND_MS);
  await until('dead', async () => (await stateOf('e')) === 'dead');
  expect(sender.requests).toHaveLength(2);
  expect(await deadLetterOf('e')).toMatchObject({
    deadLetterReason: 'MaxDeliveryAttemptsExceeded',
    deliveryAttempts: 2,
    lastDeliveryOutcome: 'NoResponse',
  });
});

test('Retry-After is honoured when it is longer than the schedule', async () => {
  sender.answer = () => ({ status: 503, headers: { 'retry-after': '120' } });
  await raise('e');
  await started();
  await until('first', async () => (await attemptsOf('e')) === 1);
  expect(await database.outbox.nextDueAtMs()).toBe(START_MS + 120 * SECOND_MS);
});

test('events of one call go in order, one after the other, and other calls do not wait', async () => {
  let refuses = true;
  sender.answer = (request) =>
    refuses && String(request.body).includes('"a1"') ? { status: 500 } : { status: 200 };
  for (const id of ['a1', 'a2', 'a3']) await raise(id, { orderKey: 'a' });
  for (const id of ['b1', 'b2']) await raise(id, { orderKey: 'b' });
  await started();
  await until('b', async () => (await stateOf('b2')) === 'delivered');
  await settle();
  expect(sender.eventIds()).toEqual(['a1', 'b1', 'b2']);
  refuses = false;
  await advance(10 * SECOND_MS);
  await until('a', async () => (await stateOf('a3')) === 'delivered');
  expect(sender.eventIds()).toEqual(['a1', 'b1', 'b2', 'a1', 'a2', 'a3']);
});

test('a dead letter lets the next event of its call go', async () => {
  sender.answer = (request) =>
    String(request.body).includes('"a1"') ? { status: 400 } : { status: 200 };
  for (const id of ['a1', 'a2']) await raise(id, { orderKey: 'a' });
  await started();
  await until('next', async () => (await stateOf('a2')) === 'delivered');
  expect(await stateOf('a1')).toBe('dead');
});

test('a receiver that never answers does not keep others from theirs', async () => {
  sender.answer = (request) => (request.url.includes('hanging') ? 'silent' : { status: 200 });
  for (let n = 0; n < 100; n += 1) {
    await raise(`h${String(n)}`, { destination: 'http://hanging.test/' });
  }
  for (let n = 0; n < 20; n += 1) await raise(`g${String(n)}`);
  await started();
  await until('all others', async () => {
    const states = await Promise.all(
      Array.from({ length: 20 }, (_, n) => stateOf(`g${String(n)}`)),
    );
    return states.every((state) => state === 'delivered');
  });
  const hanging = sender.requests.filter(({ url }) => url.includes('hanging'));
  expect(hanging).toHaveLength(8);
});

test('everything that waits is delivered, whatever its number', async () => {
  const ids = Array.from({ length: 700 }, (_, n) => `e${String(n)}`);
  for (const id of ids) await raise(id);
  await started();
  for (let step = 0; step < 40 && sender.requests.length < ids.length; step += 1) {
    await settle();
    await advance(5 * SECOND_MS);
  }
  expect(new Set(sender.eventIds())).toEqual(new Set(ids));
  expect(sender.requests).toHaveLength(ids.length);
});

test('a crowd for a receiver that answers at once does not wait for seconds', async () => {
  const ids = Array.from({ length: 400 }, (_, n) => `e${String(n)}`);
  for (const id of ids) await raise(id);
  await started();
  for (let step = 0; step < 50 && sender.requests.length < ids.length; step += 1) {
    await settle();
    await advance(20);
  }
  expect(new Set(sender.eventIds())).toEqual(new Set(ids));
  expect(clock.nowMs() - START_MS).toBeLessThanOrEqual(SECOND_MS);
});

test('the next one is sent before it is stored what became of the last', async () => {
  const { outbox } = database;
  const stored = Promise.withResolvers<undefined>();
  const slow: typeof outbox = Object.assign(Object.create(outbox) as typeof outbox, {
    releaseLeases: (nowMs: number) => outbox.releaseLeases(nowMs),
    nextDueAtMs: () => outbox.nextDueAtMs(),
    claimDue: (...args: Parameters<typeof outbox.claimDue>) => outbox.claimDue(...args),
    settle: async (...args: Parameters<typeof outbox.settle>) => {
      await stored.promise;
      await outbox.settle(...args);
    },
  });
  for (let n = 0; n < 20; n += 1) await raise(`e${String(n)}`);
  await started({ outbox: slow });
  await until('all are sent', () => sender.requests.length === 20);
  expect(await stateOf('e19')).toBe('waiting');
  stored.resolve(undefined);
  await until('stored', async () => (await stateOf('e19')) === 'delivered');
});

test('a new process goes on where a killed one stopped', async () => {
  sender.answer = () => 'silent';
  await raise('under-way');
  await started();
  await until('posted', () => sender.requests.length === 1);
  // Killed: nothing is settled, the lease stays.
  running = [];
  database = await database.reopen();
  sender = new FakeSender();
  await started();
  await until('posted again', async () => (await stateOf('under-way')) === 'delivered');
  expect(sender.eventIds()).toEqual(['under-way']);
});

test('closing ends what is under way, and the next process sends it again', async () => {
  sender.answer = () => 'silent';
  await raise('e');
  const delivery = await started();
  await until('posted', () => sender.requests.length === 1);
  await delivery.close(0);
  expect(await attemptsOf('e')).toBe(0);
  expect(await database.outbox.nextDueAtMs()).toBeLessThanOrEqual(clock.nowMs());
  sender = new FakeSender();
  await started();
  await until('delivered', async () => (await stateOf('e')) === 'delivered');
});

test('closing first delivers what is due', async () => {
  const delivery = await started();
  await settle();
  await raise('e');
  await delivery.close();
  expect(await stateOf('e')).toBe('delivered');
});

test('after close nothing is sent', async () => {
  const delivery = await started();
  await delivery.close();
  await delivery.close();
  await raise('e');
  delivery.wake();
  await advance(HOUR_MS);
  expect(sender.requests).toEqual([]);
});

test('an event can be sent again, whether it was delivered or is dead', async () => {
  sender.answer = () => ({ status: 400 });
  await raise('e');
  const delivery = await started();
  await until('dead', async () => (await stateOf('e')) === 'dead');
  sender.answer = () => ({ status: 200 });
  expect(await delivery.redeliver('e')).toBe(1);
  await until('delivered', async () => (await stateOf('e')) === 'delivered');
  expect(await delivery.redeliver('e')).toBe(1);
  await until('again', () => sender.requests.length === 3);
  expect(await delivery.redeliver('unknown')).toBe(0);
});

test('events for a subscription wait, unattempted, until it is validated', async () => {
  subscriptions.set('hook', aSubscription('hook', { state: 'pending' }));
  await raise('e', { destination: 'hook' }, { kind: 'grid' });
  const delivery = await started();
  await settle();
  expect(sender.requests).toEqual([]);
  subscriptions.set('hook', aSubscription('hook'));
  await database.outbox.hasten('hook', clock.nowMs());
  delivery.wake();
  await until('delivered', async () => (await stateOf('e')) === 'delivered');
  expect(await attemptsOf('e')).toBe(1);
});

test('events for a subscription that was deleted are dead', async () => {
  await raise('e', { destination: 'gone' }, { kind: 'grid' });
  await started();
  await until('dead', async () => (await stateOf('e')) === 'dead');
  expect(await deadLetterOf('e')).toMatchObject({
    eventType: 'Microsoft.Communication.CallStarted',
    deadLetterReason: 'SubscriptionDeleted',
    deliveryAttempts: 0,
    lastDeliveryOutcome: 'NotAttempted',
  });
});

test('a dead letter that cannot be written does not keep the event from being settled', async () => {
  sender.answer = () => ({ status: 400 });
  await raise('e');
  await started({
    disk: { ...nodeDisk, makeDirectory: () => Promise.reject(new Error('no space')) },
  });
  await until('dead', async () => (await stateOf('e')) === 'dead');
});

test('an outbox that cannot be read is tried again', async () => {
  let failures = 2;
  const { outbox } = database;
  const flaky: typeof outbox = Object.assign(Object.create(outbox) as typeof outbox, {
    releaseLeases: (nowMs: number) => outbox.releaseLeases(nowMs),
    nextDueAtMs: () => outbox.nextDueAtMs(),
    settle: (...args: Parameters<typeof outbox.settle>) => outbox.settle(...args),
    claimDue: (...args: Parameters<typeof outbox.claimDue>) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('locked')) : outbox.claimDue(...args);
    },
  });
  await raise('e');
  await started({ outbox: flaky });
  await settle();
  await advance(SECOND_MS);
  expect(sender.requests).toEqual([]);
  await advance(SECOND_MS);
  await until('delivered', async () => (await stateOf('e')) === 'delivered');
});
