import { expect, test } from 'vitest';
import type { Fact } from '../../core/ports/ledger.ts';
import type { SubscriptionRecord } from '../../core/records.ts';
import { FakeWorld } from '../testing/fake-world.ts';
import { EventPublisher } from './publisher.ts';

const CALLBACK = {
  name: 'CallConnected',
  uri: 'https://app.test/events',
  orderKey: 'connection-1',
  apiVersion: '2026-03-12',
  source: 'calling/callConnections/connection-1',
  subject: 'calling/callConnections/connection-1',
  data: { version: '2026-03-12' },
};

function subscription(name: string, rules: Partial<SubscriptionRecord>): SubscriptionRecord {
  return {
    name,
    endpoint: `https://${name}.test`,
    schema: 'eventgrid',
    includedTypes: [],
    state: 'active',
    maxAttempts: 30,
    timeToLiveMinutes: 1440,
    headers: {},
    origin: 'admin',
    validationCode: '',
    createdAtMs: 0,
    ...rules,
  };
}

type EventFact = Extract<Fact, { kind: 'event' }>;

test('a callback goes to its URI in the order of its connection, thirty times in a day at most', () => {
  const { ports, clock } = new FakeWorld();
  const [fact] = new EventPublisher(ports).callback(CALLBACK);
  const { event, deliveries } = fact as EventFact;
  expect(event).toMatchObject({ kind: 'callback', type: 'Microsoft.Communication.CallConnected' });
  expect(deliveries).toMatchObject([
    {
      eventId: event.eventId,
      destination: CALLBACK.uri,
      orderKey: 'connection-1',
      nextAttemptAtMs: clock.nowMs(),
      expiresAtMs: clock.nowMs() + 86_400_000,
      maxAttempts: 30,
    },
  ]);
});

test('a callback that the client’s parser does not know is not sent', () => {
  const { ports } = new FakeWorld();
  const event = { ...CALLBACK, name: 'CreateCallFailed', apiVersion: '2023-03-06' };
  expect(new EventPublisher(ports).callback(event)).toEqual([]);
});

test('an event goes to each of its subscribers by their own rules, in no order', () => {
  const world = new FakeWorld();
  const asked: string[] = [];
  const publisher = new EventPublisher({
    ...world.ports,
    subscribersOf: (type) => {
      asked.push(type);
      return [
        subscription('one', { maxAttempts: 5, timeToLiveMinutes: 10 }),
        subscription('two', {}),
      ];
    },
  });
  const fact = publisher.grid({ name: 'IncomingCall', subject: '/caller', data: {} });
  const { event, deliveries } = fact as EventFact;
  expect(asked).toEqual(['Microsoft.Communication.IncomingCall']);
  expect(event.kind).toBe('grid');
  const nowMs = world.clock.nowMs();
  expect(deliveries).toMatchObject([
    { destination: 'one', orderKey: undefined, maxAttempts: 5, expiresAtMs: nowMs + 600_000 },
    { destination: 'two', orderKey: undefined, maxAttempts: 30, expiresAtMs: nowMs + 86_400_000 },
  ]);
});

test('an event that nobody subscribes to is kept all the same', () => {
  const { ports } = new FakeWorld();
  const fact = new EventPublisher(ports).grid({ name: 'CallEnded', subject: 'call', data: {} });
  expect(fact).toMatchObject({ kind: 'event', deliveries: [] });
});
