import { beforeEach, expect, test } from 'vitest';
import { Calls } from './calls.ts';
import { FakeIncoming } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const ROUTE = {
  to: /^600$/,
  from: undefined,
  action: 'group',
  trunk: undefined,
  group: 'Team-1',
  record: {
    channelType: 'mixed',
    formatType: 'wav',
    retentionMs: undefined,
    allowApiPause: false,
  },
} as const;

let world: FakeWorld;
let calls: Calls;

beforeEach(async () => {
  world = new FakeWorld();
  calls = new Calls(world.ports, world.settings({ routes: [ROUTE] }));
  await calls.start();
});

async function dialIn(from: string): Promise<FakeIncoming> {
  const invite = new FakeIncoming(from, '600');
  world.signalling.onInvite(invite);
  await settled();
  return invite;
}

test('callers of a group come into one call, recorded once, which ends with the last of them', async () => {
  const first = await dialIn('+15550101');
  const second = await dialIn('+15550102');
  const third = await dialIn('+15550103');
  const all = await calls.calls();
  expect(all.map((call) => call.participants.map(({ identifier }) => identifier.rawId))).toEqual([
    ['4:+15550101', '4:+15550102', '4:+15550103'],
  ]);
  expect(world.ledger.eventData('CallStarted')).toMatchObject([{ group: { id: 'Team-1' } }]);
  expect(all[0]?.activeRecordings).toHaveLength(1);

  first.hangUp();
  second.hangUp();
  await settled();
  expect(third.ended).toBeUndefined();
  third.hangUp();
  await settled();
  expect(await calls.calls()).toEqual([]);
  expect(world.ledger.eventData('CallEnded')).toMatchObject([{ group: { id: 'Team-1' } }]);
});

test('whoever comes after the last has left begins the next call of the group', async () => {
  const first = await dialIn('+15550101');
  first.hangUp();
  await dialIn('+15550102');
  await settled();
  expect(world.ledger.eventData('CallEnded')).toHaveLength(1);
  expect((await calls.calls())[0]?.participants).toHaveLength(1);
});

test('a caller for whom there is no media is refused, and the others stay', async () => {
  const first = await dialIn('+15550101');
  world.media.exhausted = true;
  const second = await dialIn('+15550102');
  expect(second.ended?.status).toBe(503);
  expect(first.ended).toBeUndefined();
  first.hangUp();
  const third = await dialIn('+15550103');
  expect(third.ended?.status).toBe(503);
  await settled();
  expect(await calls.calls()).toEqual([]);
});

test('a recording can be started by the group, while its call is on', async () => {
  await dialIn('+15550101');
  const start = {
    contentType: 'audio',
    channelType: 'mixed',
    formatType: 'wav',
    apiVersion: '2026-03-12',
  } as const;
  await expect(
    calls.startRecording({ ...start, call: { groupCallId: 'team-1' } }),
  ).resolves.toMatchObject({ state: 'active' });
  await expect(
    calls.startRecording({ ...start, call: { groupCallId: 'team-2' } }),
  ).rejects.toMatchObject({ code: 'call-not-found' });
});

test('a group takes 350; the 351st caller is told that it is busy, and the others stay', async () => {
  const callers = Array.from({ length: 350 }, (_, index) => {
    const caller = new FakeIncoming(`+1666${String(index)}`, '600');
    world.signalling.onInvite(caller);
    return caller;
  });
  // One after the other: it takes its time.
  while ((await calls.calls())[0]?.participants.length !== 350) await settled();
  const late = await dialIn('+15550102');
  expect(late.ended).toMatchObject({ status: 486 });
  expect(callers.filter(({ ended }) => ended !== undefined)).toEqual([]);
  const [call] = await calls.calls();
  expect(call?.participants).toHaveLength(350);
  // Room for one is room for one.
  callers[7]?.hangUp();
  await settled();
  expect((await dialIn('+15550103')).ended).toBeUndefined();
  expect((await dialIn('+15550104')).ended).toMatchObject({ status: 486 });
});
