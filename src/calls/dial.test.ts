import { expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { ServerCallId } from '../core/ids.ts';
import { BUILT_FORMATS, destinationsOf, dial, trunkDestination, type DialOutcome } from './dial.ts';
import { Directory } from './directory.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const RING_MS = 85_000;
const TRUNK = { name: 'carrier', uri: 'sip:192.0.2.10:5060;transport=tcp' };

function ring(
  world: FakeWorld,
  uris: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<DialOutcome> {
  return dial(world.ports, RING_MS, {
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
