import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import type { HttpRequest } from '../core/ports/http-sender.ts';
import type { SubscriptionRecord } from '../core/records.ts';
import { nodeDisk } from '../journal/node-disk.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { aDelivery, anEvent, START_MS } from '../../test/contract/ledger-records.ts';
import { temporaryDatabase, type SqliteDatabase } from '../../test/contract/sqlite-database.ts';
import { until } from '../../test/contract/until.ts';
import { Delivery } from './delivery.ts';
import type { SubscriptionRequest } from './subscription-request.ts';
import { MANUAL_VALIDATION_MS, Subscriptions } from './subscriptions.ts';
import { FakeSender, type Answer } from './testing/fake-sender.ts';

const TYPE = 'Microsoft.Communication.CallStarted';
const HOOK: SubscriptionRequest = {
  name: 'event-webhook-1',
  endpoint: 'http://receiver.test/events',
  schema: 'eventgrid',
  includedTypes: [],
};
const ADMIN: SubscriptionRequest = { ...HOOK, name: 'made-by-admin' };

let database: SqliteDatabase;
let clock: ManualClock;
let sender: FakeSender;
let woken: number;
let running: Subscriptions[];

beforeEach(async () => {
  database = await temporaryDatabase();
  clock = new ManualClock(START_MS);
  sender = new FakeSender(agrees);
  woken = 0;
  running = [];
});

afterEach(async () => {
  for (const subscriptions of running) await subscriptions.close();
  await database.close();
});

/** A receiver that answers the handshake, and takes events. */
function agrees(request: HttpRequest): Answer {
  const [event] = JSON.parse(String(request.body)) as [{ data: { validationCode?: string } }];
  return {
    status: 200,
    body: JSON.stringify({ validationResponse: event.data.validationCode }),
  };
}

async function started(...configured: readonly SubscriptionRequest[]): Promise<Subscriptions> {
  const subscriptions = new Subscriptions({
    clock,
    random: systemRandom,
    log: SILENT_LOGGER,
    ledger: database.ledger,
    outbox: database.outbox,
    sender,
    configured,
    topic: '/topic',
    webhookOrigin: 'eventgrid.azure.net',
    validationUrl: (name, code) => `http://127.0.0.1/validate/${name}/${code}`,
    onActive: () => {
      woken += 1;
    },
  });
  running.push(subscriptions);
  await subscriptions.start();
  return subscriptions;
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await turn();
}

function becomes(
  subscriptions: Subscriptions,
  name: string,
  state: SubscriptionRecord['state'],
): Promise<void> {
  return until(`${name} ${state}`, () => subscriptions.get(name)?.state === state);
}

test('a configured receiver that agrees is active, in the ledger as well, and delivery is woken', async () => {
  const subscriptions = await started(HOOK);
  await becomes(subscriptions, HOOK.name, 'active');
  expect(await database.ledger.subscriptions()).toEqual([subscriptions.get(HOOK.name)]);
  await until('woken', () => woken === 1);
  expect(subscriptions.get(HOOK.name)).toMatchObject({
    maxAttempts: 30,
    timeToLiveMinutes: 1440,
    headers: {},
    origin: 'configuration',
  });
});

test('a receiver that is not up yet is asked again, later and later, and its events wait for it', async () => {
  sender.answer = () => 'unreachable';
  const subscriptions = await started(HOOK);
  expect(subscriptions.matching(TYPE).map(({ name }) => name)).toEqual([HOOK.name]);
  const askedAtMs: number[] = [];
  sender.answer = () => {
    askedAtMs.push(clock.nowMs() - START_MS);
    return 'unreachable';
  };
  await settle();
  for (let step = 0; step < 400; step += 1) {
    clock.advance(250);
    await settle();
  }
  expect(askedAtMs).toEqual([500, 1_500, 3_500, 7_500, 15_500, 31_500, 61_500, 91_500]);

  await database.ledger.commit([
    {
      kind: 'event',
      event: anEvent('e', { type: TYPE }),
      deliveries: subscriptions
        .matching(TYPE)
        .map(({ name }) => aDelivery('d', 'e', { destination: name })),
    },
  ]);
  const delivery = new Delivery({
    clock,
    random: systemRandom,
    log: SILENT_LOGGER,
    outbox: database.outbox,
    sender,
    signer: { authorization: () => Promise.resolve('') },
    notificationSigner: { authorization: () => Promise.resolve('') },
    responseTokens: { tokenOf: () => '' },
    disk: nodeDisk,
    deadLetterDirectory: `${database.directory}/dead-letters`,
    subscription: (name) => subscriptions.get(name),
    topic: '/topic',
    webhookOrigin: 'eventgrid.azure.net',
    soleDeliverer: true,
  });
  await delivery.start();
  await settle();
  sender.answer = agrees;
  sender.requests.splice(0);
  clock.advance(30_000);
  await becomes(subscriptions, HOOK.name, 'active');
  await until('woken', () => woken === 1);
  delivery.wake();
  await until('delivered', () => sender.requests.length === 2);
  expect(sender.requests.map(({ headers }) => headers['aeg-event-type'])).toEqual([
    'SubscriptionValidation',
    'Notification',
  ]);
  await delivery.close();
});

test('a restart does not ask a receiver again that has agreed, unless it moved', async () => {
  const first = await started(HOOK);
  await becomes(first, HOOK.name, 'active');
  sender.requests.splice(0);
  const again = await started({ ...HOOK, includedTypes: [TYPE], maxAttempts: 3 });
  await settle();
  expect(sender.requests).toEqual([]);
  expect(again.get(HOOK.name)).toMatchObject({ state: 'active', maxAttempts: 3 });
  const moved = await started({ ...HOOK, endpoint: 'http://elsewhere.test/' });
  expect(moved.get(HOOK.name)?.state).toBe('pending');
  await becomes(moved, HOOK.name, 'active');
  expect(sender.requests.map(({ url }) => url)).toEqual(['http://elsewhere.test/']);
});

test('what the configuration no longer names is gone, what the admin API made stays', async () => {
  const first = await started(HOOK);
  await first.create(ADMIN);
  const again = await started();
  expect(again.list().map(({ name }) => name)).toEqual([ADMIN.name]);
  expect((await database.ledger.subscriptions()).map(({ name }) => name)).toEqual([ADMIN.name]);
});

test('events go to those that name their type or none, whatever the case', async () => {
  const subscriptions = await started(
    HOOK,
    { ...HOOK, name: 'only-calls', includedTypes: [TYPE.toUpperCase()] },
    { ...HOOK, name: 'only-files', includedTypes: ['Microsoft.Communication.Other'] },
  );
  const names = subscriptions.matching(TYPE).map(({ name }) => name);
  expect(names).toEqual([HOOK.name, 'only-calls']);
});

test('a subscription of the admin API gets events from its validation on', async () => {
  const subscriptions = await started();
  sender.answer = () => ({ status: 200 });
  const made = await subscriptions.create(ADMIN);
  expect(made.state).toBe('awaiting-manual');
  expect(subscriptions.matching(TYPE)).toEqual([]);
  expect(await subscriptions.completeManualValidation(ADMIN.name, 'wrong')).toBe(false);
  expect(await subscriptions.completeManualValidation('unknown', made.validationCode)).toBe(false);
  expect(await subscriptions.completeManualValidation(ADMIN.name, made.validationCode)).toBe(true);
  expect(await subscriptions.completeManualValidation(ADMIN.name, made.validationCode)).toBe(true);
  expect(subscriptions.matching(TYPE).map(({ name }) => name)).toEqual([ADMIN.name]);
  expect(woken).toBe(1);
});

test('the receiver may open the validation URL before it answers', async () => {
  const subscriptions = await started();
  let opened: Promise<boolean> | undefined;
  sender.answer = (request) => {
    const [event] = JSON.parse(String(request.body)) as [{ data: { validationCode: string } }];
    opened = subscriptions.completeManualValidation(ADMIN.name, event.data.validationCode);
    return { status: 200 };
  };
  await subscriptions.create(ADMIN);
  expect(await opened).toBe(true);
  expect(subscriptions.get(ADMIN.name)?.state).toBe('active');
});

test('the window of manual validation closes after five minutes', async () => {
  const subscriptions = await started();
  sender.answer = () => ({ status: 200 });
  const { validationCode } = await subscriptions.create(ADMIN);
  clock.advance(MANUAL_VALIDATION_MS - 1);
  expect(subscriptions.get(ADMIN.name)?.state).toBe('awaiting-manual');
  clock.advance(1);
  await becomes(subscriptions, ADMIN.name, 'failed');
  expect(await subscriptions.completeManualValidation(ADMIN.name, validationCode)).toBe(false);
});

test('a configured receiver that nobody validated by hand is asked again', async () => {
  sender.answer = () => ({ status: 200 });
  const subscriptions = await started(HOOK);
  await becomes(subscriptions, HOOK.name, 'awaiting-manual');
  sender.answer = agrees;
  clock.advance(MANUAL_VALIDATION_MS);
  await becomes(subscriptions, HOOK.name, 'active');
});

test('a subscription whose receiver refuses is not made, and the caller hears why', async () => {
  const subscriptions = await started();
  sender.answer = () => ({ status: 404 });
  await expect(subscriptions.create(ADMIN)).rejects.toMatchObject({
    code: 'destination-refused',
    fault: 'destination',
  });
  sender.answer = () => 'unreachable';
  await expect(subscriptions.create(ADMIN)).rejects.toMatchObject({
    code: 'destination-unreachable',
  });
  expect(subscriptions.list()).toEqual([]);
  expect(await database.ledger.subscriptions()).toEqual([]);
});

test('a subscription can be removed, but not one of the configuration, nor replaced by the API', async () => {
  const subscriptions = await started(HOOK);
  await subscriptions.create(ADMIN);
  expect(await subscriptions.remove(ADMIN.name)).toBe(true);
  expect(await subscriptions.remove(ADMIN.name)).toBe(false);
  expect(await database.ledger.subscriptions()).toHaveLength(1);
  const refusal = { code: 'argument-invalid', field: 'name' };
  await expect(subscriptions.remove(HOOK.name)).rejects.toMatchObject(refusal);
  await expect(subscriptions.create(HOOK)).rejects.toMatchObject(refusal);
});

test('validating again uses a new code and tells what came of it', async () => {
  const subscriptions = await started();
  const made = await subscriptions.create(ADMIN);
  sender.answer = () => 'unreachable';
  expect(await subscriptions.validate(ADMIN.name)).toMatchObject({ state: 'failed' });
  sender.answer = agrees;
  const after = await subscriptions.validate(ADMIN.name);
  expect(after?.state).toBe('active');
  expect(after?.validationCode).not.toBe(made.validationCode);
  expect(await subscriptions.validate('unknown')).toBeUndefined();
});

test.each([
  ['name', { name: 'a b' }],
  ['name', { name: '../x' }],
  ['endpoint', { endpoint: 'ftp://a/' }],
  ['endpoint', { endpoint: 'receiver' }],
  ['maxAttempts', { maxAttempts: 31 }],
  ['maxAttempts', { maxAttempts: 0 }],
  ['timeToLiveMinutes', { timeToLiveMinutes: 1441 }],
  ['includedTypes', { includedTypes: [''] }],
  ['headers', { headers: { 'aeg-event-type': 'x' } }],
  ['headers', { headers: { Host: 'x' } }],
  ['headers', { headers: { 'a b': 'x' } }],
  ['headers', { headers: { a: 'x\r\nb: y' } }],
  ['headers', { headers: { a: 'x'.repeat(4_097) } }],
  [
    'headers',
    { headers: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`h${String(n)}`, ''])) },
  ],
])('a request with a wrong %s is refused by the name of the field', async (field, wrong) => {
  const subscriptions = await started();
  await expect(subscriptions.create({ ...ADMIN, ...wrong })).rejects.toMatchObject({
    code: 'argument-invalid',
    field,
  });
  expect(sender.requests).toEqual([]);
});

test('closing ends handshakes under way and asks no more', async () => {
  sender.answer = () => 'silent';
  const subscriptions = await started(HOOK);
  await until('asked', () => sender.requests.length === 1);
  await subscriptions.close();
  await subscriptions.close();
  clock.advance(3_600_000);
  await settle();
  expect(sender.requests).toHaveLength(1);
});
