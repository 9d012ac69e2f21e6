import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { ServerCallId } from '../core/ids.ts';
import {
  destinationsOf,
  trunkDestination,
  trunkDestinations,
  type DialDestination,
} from './destinations.ts';
import { BUILT_FORMATS, Dialler, TRUNK_ANSWER_MS, type DialOutcome } from './dial.ts';
import { Directory } from './directory.ts';
import type { FakeOutgoing } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';
import { MAX_TRUNK_PAUSE_MS, TRUNK_REST_MS } from './trunk-record.ts';

const RING_MS = 85_000;
const TRUNK = { name: 'carrier', uri: 'sip:192.0.2.10:5060;transport=tcp' };

function ring(
  world: FakeWorld,
  uris: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<DialOutcome> {
  return new Dialler(world.ports, world.settings({ ringTimeoutMs: RING_MS })).dial({
    serverCallId: 'call' as ServerCallId,
    participant: phoneNumber('+15550100'),
    destinations: uris.map((uri) => ({ uri })),
    from: { user: 'tapedeck', host: '', displayName: '' },
    formats: BUILT_FORMATS,
    headers: {},
    signal,
  });
}

test('nobody to ring is 404', async () => {
  expect(await ring(new FakeWorld(), [])).toMatchObject({ ok: false, end: { status: 404 } });
});

test('the first phone to accept wins, the others are cancelled and their sockets go', async () => {
  const world = new FakeWorld();
  const outcome = ring(world, ['sip:a@a', 'sip:b@b', 'sip:c@c']);
  await settled();
  world.signalling.placed[1]?.accept();
  const { ok } = await outcome;
  await settled();
  expect(ok).toBe(true);
  expect(world.signalling.placed.map((placed) => placed.ended?.status)).toEqual([
    487,
    undefined,
    487,
  ]);
  expect(world.media.legs.size).toBe(1);
});

test('of several refusals the one that says most is told: 6xx, else the lowest class', async () => {
  const refusals = async (...statuses: readonly number[]): Promise<number | undefined> => {
    const world = new FakeWorld();
    const outcome = ring(
      world,
      statuses.map((status) => `sip:${status}@phone`),
    );
    await settled();
    statuses.forEach((status, index) => world.signalling.placed[index]?.refuse(status, 'No'));
    const result = await outcome;
    expect(world.media.legs.size).toBe(0);
    return result.ok ? undefined : result.end.status;
  };
  expect(await refusals(503, 486)).toBe(486);
  expect(await refusals(486, 603, 404)).toBe(603);
  expect(await refusals(486, 404)).toBe(486);
});

test('phones that nobody picks up are cancelled when they have rung long enough', async () => {
  const world = new FakeWorld();
  const outcome = ring(world, ['sip:a@a']);
  await settled();
  world.clock.advance(RING_MS);
  expect(await outcome).toMatchObject({ ok: false, end: { status: 480 } });
  await settled();
  expect(world.signalling.placed[0]?.ended?.status).toBe(487);
  expect(world.media.legs.size).toBe(0);
  expect(world.clock.pendingTimers).toBe(0);
});

test('given up beforehand nothing is opened and nobody is rung; given up later who rings is cancelled', async () => {
  const world = new FakeWorld();
  expect(await ring(world, ['sip:a@a'], AbortSignal.abort())).toMatchObject({
    end: { status: 487 },
  });
  expect(world.signalling.placed).toEqual([]);
  expect(world.media.bridges.size).toBe(0);
  const abort = new AbortController();
  const outcome = ring(world, ['sip:a@a'], abort.signal);
  await settled();
  abort.abort();
  expect(await outcome).toMatchObject({ ok: false, end: { status: 487 } });
  await settled();
  expect(world.signalling.placed[0]?.ended?.status).toBe(487);
  expect(world.media.legs.size).toBe(0);
});

test('without a free port the call is refused with 503', async () => {
  const world = new FakeWorld();
  world.media.exhausted = true;
  expect(await ring(world, ['sip:a@a'])).toMatchObject({ ok: false, end: { status: 503 } });
});

test('a number goes to whoever registered it, else to the first trunk; a SIP URI to itself', () => {
  const world = new FakeWorld();
  const directory = new Directory('resource', []);
  const settings = world.settings({ trunks: [TRUNK] });
  const none = (): readonly string[] => [];
  const number = phoneNumber('+15550100');
  expect(destinationsOf(number, settings, directory, () => ['sip:desk@a'])).toEqual([
    { uri: 'sip:desk@a' },
  ]);
  expect(destinationsOf(number, settings, directory, none)).toEqual([
    { uri: 'sip:+15550100@192.0.2.10:5060;transport=tcp', trunk: 'carrier' },
  ]);
  const uri = { kind: 'unknown', rawId: 'sip:desk@example.test' } as const;
  expect(destinationsOf(uri, settings, directory, none)).toEqual([{ uri: uri.rawId }]);
  expect(destinationsOf({ ...uri, rawId: '28:bot' }, settings, directory, none)).toEqual([]);
});

test('what is dialled through a trunk cannot change where it goes', () => {
  expect(trunkDestination(TRUNK, '1@evil.test;x').uri).toBe(
    'sip:1%40evil.test%3Bx@192.0.2.10:5060;transport=tcp',
  );
});

const FIRST = { name: 'first', uri: 'sip:192.0.2.1', priority: 1 };
const SECOND = { name: 'second', uri: 'sip:192.0.2.2', priority: 2 };
const THIRD = { name: 'third', uri: 'sip:192.0.2.3', priority: 3, numbers: ['+1'] };

describe('the ways to a number', () => {
  const names = (number: string, only?: string): (string | undefined)[] =>
    trunkDestinations([THIRD, SECOND, FIRST], number, only).map(({ trunk }) => trunk);

  test('are the trunks that serve it, by priority, and of equal ones by their order', () => {
    expect(names('+4930123')).toEqual(['first', 'second']);
    expect(names('+15550100')).toEqual(['first', 'second', 'third']);
    const equals = ['b', 'a'].map((name) => ({ name, uri: 'sip:192.0.2.1' }));
    expect(trunkDestinations([SECOND, ...equals], '1').map(({ trunk }) => trunk)).toEqual([
      'b',
      'a',
      'second',
    ]);
  });

  test('are one, whatever the number, where a trunk is named', () => {
    expect(names('+4930123', 'third')).toEqual(['third']);
    expect(names('+4930123', 'unknown')).toEqual([]);
  });
});

describe('a call through trunks', () => {
  let world: FakeWorld;
  let dialler: Dialler;

  beforeEach(() => {
    world = new FakeWorld();
    const trunks = [FIRST, SECOND, THIRD];
    dialler = new Dialler(world.ports, world.settings({ ringTimeoutMs: RING_MS, trunks }));
  });

  function call(
    signal: AbortSignal = new AbortController().signal,
    more: readonly DialDestination[] = [],
  ): Promise<DialOutcome> {
    return dialler.dial({
      serverCallId: 'call' as ServerCallId,
      participant: phoneNumber('+15550100'),
      destinations: [...more, ...trunkDestinations([FIRST, SECOND, THIRD], '+15550100')],
      from: { user: 'tapedeck', host: '', displayName: '' },
      formats: BUILT_FORMATS,
      headers: {},
      signal,
    });
  }

  const tried = (): (string | undefined)[] =>
    world.signalling.placed.map(({ request }) => request.trunk);
  const last = (): FakeOutgoing => world.signalling.placed.at(-1)!;

  test('takes the next one when one cannot be reached, says nothing, or cannot serve', async () => {
    const outcome = call();
    await settled();
    expect(last().request.answerWithinMs).toBe(TRUNK_ANSWER_MS);
    last().fail(408, 'No answer');
    await settled();
    expect(world.media.legs.size).toBe(1);
    last().onProgress(183);
    last().refuse(503, 'Service Unavailable');
    await settled();
    // For the last one there is all the time of the transaction.
    expect(last().request.answerWithinMs).toBeUndefined();
    last().accept();
    expect(await outcome).toMatchObject({ ok: true, leg: { session: last() } });
    expect(tried()).toEqual(['first', 'second', 'third']);
    expect(world.media.legs.size).toBe(1);
    expect(Object.fromEntries(dialler.trunks.figures)).toEqual({
      first: { calls: 1, failures: 1 },
      second: { calls: 1, failures: 1 },
      third: { calls: 1, failures: 0 },
    });
  });

  test.each([404, 407, 486, 488, 603])('is over when the callee says %i', async (status) => {
    const outcome = call();
    await settled();
    last().refuse(status, 'No');
    expect(await outcome).toMatchObject({ ok: false, end: { status } });
    expect(tried()).toEqual(['first']);
    expect(dialler.trunks.isResting('first')).toBe(false);
    await settled();
    expect(world.media.legs.size).toBe(0);
  });

  test('is over when the trunk fails after the phone has rung', async () => {
    const outcome = call();
    await settled();
    last().onProgress(180);
    last().refuse(503, 'Service Unavailable');
    expect(await outcome).toMatchObject({ ok: false, end: { status: 503 } });
    expect(tried()).toEqual(['first']);
  });

  test('has the refusal of the last one when all fail', async () => {
    const outcome = call();
    for (const status of [500, 503, 502]) {
      await settled();
      last().refuse(status, 'No');
    }
    expect(await outcome).toMatchObject({ ok: false, end: { status: 502 } });
    expect(tried()).toEqual(['first', 'second', 'third']);
  });

  test('leaves a trunk that failed to the last for a while, or until it has served a call', async () => {
    void call();
    await settled();
    last().fail(503, 'No way to the destination');
    await settled();
    last().accept();
    await settled();
    const again = call();
    await settled();
    expect(last().request.trunk).toBe('second');
    last().fail(408, 'No answer');
    await settled();
    last().fail(408, 'No answer');
    await settled();
    expect(last().request.trunk).toBe('first');
    last().accept();
    await again;
    expect(dialler.trunks.isResting('first')).toBe(false);
    expect(dialler.trunks.isResting('second')).toBe(true);
    world.clock.advance(TRUNK_REST_MS);
    expect(dialler.trunks.isResting('second')).toBe(false);
  });

  test('leaves a trunk out for as long as its 503 asks for, and for a while behind the others', async () => {
    void call();
    await settled();
    last().refuse(503, 'Service Unavailable', 20);
    await settled();
    last().accept();
    await settled();
    const names = async (): Promise<readonly (string | undefined)[]> => {
      const before = tried().length;
      void call();
      for (let trunk = 0; trunk < 3; trunk += 1) {
        await settled();
        last().fail(408, 'No answer');
      }
      await settled();
      return tried().slice(before);
    };
    expect(await names()).toEqual(['second', 'third']);
    world.clock.advance(19_999);
    expect(dialler.trunks.isResting('first')).toBe(true);
    expect(await names()).toEqual(['second', 'third']);
    world.clock.advance(1);
    expect(await names()).toEqual(['first', 'second', 'third']);
  });

  test('fails with 503 while every trunk has asked for no calls, and nobody is bothered', async () => {
    const first = call();
    for (let trunk = 0; trunk < 3; trunk += 1) {
      await settled();
      last().refuse(503, 'Service Unavailable', 1_000_000);
    }
    await first;
    const outcome = await call();
    expect(outcome).toEqual({
      ok: false,
      end: { status: 503, reason: 'Service Unavailable', by: 'local' },
    });
    expect(tried()).toEqual(['first', 'second', 'third']);
    const withPhone = call(undefined, [{ uri: 'sip:desk@a' }]);
    await settled();
    last().accept();
    expect(await withPhone).toMatchObject({ ok: true });
    expect(last().request.trunk).toBeUndefined();
    world.clock.advance(MAX_TRUNK_PAUSE_MS);
    void call();
    await settled();
    expect(last().request.trunk).toBe('first');
  });

  test.each([
    ['a phone is busy', 486, 183],
    ['one call fails', 500, 183],
    ['a phone had rung', 503, 180],
  ])('does not leave a trunk out because %s', async (_, status, ring) => {
    void call();
    await settled();
    last().onProgress(ring);
    last().refuse(status, 'Later', 20);
    await settled();
    expect(tried()[0]).toBe('first');
    expect(dialler.trunks.isPausing('first')).toBe(false);
  });

  test('that is given up or rings too long tries no other trunk', async () => {
    const abort = new AbortController();
    const outcome = call(abort.signal);
    await settled();
    abort.abort();
    expect(await outcome).toMatchObject({ ok: false, end: { status: 487 } });
    const long = call();
    await settled();
    world.clock.advance(RING_MS);
    expect(await long).toMatchObject({ ok: false, end: { status: 480 } });
    await settled();
    expect(tried()).toEqual(['first', 'first']);
    expect(world.media.legs.size).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('opens nothing for a trunk whose turn comes when the call is given up', async () => {
    const abort = new AbortController();
    const outcome = call(abort.signal);
    await settled();
    last().fail(408, 'No answer');
    abort.abort();
    expect(await outcome).toMatchObject({ end: { status: 487 } });
    await settled();
    expect(tried()).toEqual(['first']);
    expect(world.media.legs.size).toBe(0);
  });

  test('rings phones at the same time, and the first to accept wins', async () => {
    const outcome = call(undefined, [{ uri: 'sip:desk@a' }]);
    await settled();
    expect(tried()).toEqual([undefined, 'first']);
    last().fail(503, 'Destination unreachable');
    await settled();
    world.signalling.placed[0]?.accept();
    expect(await outcome).toMatchObject({ ok: true });
    await settled();
    expect(tried()).toEqual([undefined, 'first', 'second']);
    expect(last().ended?.status).toBe(487);
  });
});
