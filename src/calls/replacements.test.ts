import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import { Calls } from './calls.ts';
import type { Route } from './route.ts';
import { Conference, numberOf } from './testing/conference.ts';
import { FakeIncoming, type FakeOutgoing } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const USERS = ['alice', 'bob', 'carol'].map((name) => ({
  name,
  identity: undefined,
  number: undefined,
}));
/** Every call is recorded. */
const ROUTE: Route = {
  to: /.*/,
  from: undefined,
  action: 'registered',
  trunk: undefined,
  group: undefined,
  record: { channelType: 'mixed', formatType: 'wav', retentionMs: undefined, allowApiPause: false },
};

let world: FakeWorld;
let calls: Calls;
let caller: FakeIncoming;
let callee: FakeOutgoing;

/** Somebody outside talks to alice, recorded. */
beforeEach(async () => {
  world = new FakeWorld();
  world.signalling.contacts.set('alice', ['sip:alice@phone.test']);
  calls = new Calls(world.ports, world.settings({ users: USERS, routes: [ROUTE] }));
  await calls.start();
  caller = new FakeIncoming('+15550100', 'alice');
  world.signalling.onInvite(caller);
  await settled();
  callee = world.signalling.placed.at(-1)!;
  callee.accept();
  await settled();
});

/** A phone that has authenticated asks for the place of `replaced`. */
async function takeOver(
  user: string,
  replaced: FakeIncoming | FakeOutgoing = callee,
  change: (phone: FakeIncoming) => void = (phone) => {
    phone.authenticatedUser = user;
  },
): Promise<FakeIncoming> {
  const phone = new FakeIncoming(user, 'tapedeck');
  phone.replaces = replaced.sessionId;
  change(phone);
  world.signalling.onInvite(phone);
  await settled();
  return phone;
}

const names = async (): Promise<readonly (readonly string[])[]> =>
  (await calls.calls()).map(({ participants }) =>
    participants.map(({ identifier }) => identifier.rawId.replace(/^.*_/, '')),
  );

describe('a phone that takes the place of another in a call', () => {
  test('talks to the others, and the other one is hung up', async () => {
    const carol = await takeOver('carol');
    expect(carol.accepted).toBeDefined();
    expect(carol.rings).toEqual([]);
    expect(callee.ended?.status).toBe(200);
    expect(caller.ended).toBeUndefined();
    expect(await names()).toEqual([['4:+15550100', 'carol']]);
    expect(world.signalling.placed).toHaveLength(1);
    carol.hangUp();
    await settled();
    expect(caller.ended).toBeDefined();
    expect(world.media.legs.size).toBe(0);
  });

  test('is recorded on in the same recording, with events of who left and came', async () => {
    const before = (await calls.calls()).map(({ activeRecordings }) => activeRecordings);
    expect(before).toEqual([[expect.anything()]]);
    const told = world.ledger.events().length;
    await takeOver('carol');
    expect((await calls.calls()).map(({ activeRecordings }) => activeRecordings)).toEqual(before);
    expect(world.ledger.events().slice(told)).toEqual([
      'CallParticipantRemoved',
      'CallParticipantAdded',
    ]);
    expect(world.media.journals.size).toBe(1);
  });

  test('may be the caller’s too, and may be behind a trunk', async () => {
    const border = await takeOver('+15550177', caller, (phone) => {
      phone.trunk = 'carrier';
    });
    expect(border.accepted).toBeDefined();
    expect(caller.ended?.status).toBe(200);
    expect(await names()).toEqual([['alice', '4:+15550177']]);
  });

  test('of the same user keeps its place among the participants', async () => {
    await takeOver('alice');
    expect(await names()).toEqual([['4:+15550100', 'alice']]);
    expect(callee.ended?.status).toBe(200);
  });

  test('can be replaced itself', async () => {
    const carol = await takeOver('carol');
    const bob = await takeOver('bob', carol);
    expect(carol.ended?.status).toBe(200);
    expect(bob.accepted).toBeDefined();
    expect(await names()).toEqual([['4:+15550100', 'bob']]);
  });
});

describe('who wants to take the place of another, and may not', () => {
  test('a stranger, whatever it knows of the call', async () => {
    const stranger = await takeOver('+15550100', callee, () => undefined);
    expect(stranger.ended?.status).toBe(403);
    expect(await names()).toEqual([['4:+15550100', 'alice']]);
    expect(callee.ended).toBeUndefined();
  });

  test('in no call of ours: 481, and no other call comes of it', async () => {
    const phone = await takeOver('carol', new FakeIncoming('x', 'y'));
    expect(phone.ended?.status).toBe(481);
    expect(world.signalling.placed).toHaveLength(1);
    expect(await names()).toHaveLength(1);
  });

  test('a caller who gives up meanwhile changes nothing', async () => {
    const phone = await takeOver('carol', callee, (one) => {
      one.authenticatedUser = 'carol';
      queueMicrotask(() => {
        one.hangUp();
      });
    });
    expect(phone.accepted).toBeUndefined();
    expect(await names()).toEqual([['4:+15550100', 'alice']]);
    expect(callee.ended).toBeUndefined();
    expect(world.media.legs.size).toBe(2);
  });

  test('of two who ask at once the second: 603', async () => {
    const carol = takeOver('carol');
    const bob = takeOver('bob');
    expect((await carol).accepted).toBeDefined();
    expect((await bob).ended?.status).toBe(603);
    expect(await names()).toEqual([['4:+15550100', 'carol']]);
    expect(world.media.legs.size).toBe(2);
  });
});

test('who was muted is so on another phone, and whoever comes for somebody else is not', async () => {
  const conference = await Conference.open();
  const { id, phones } = await conference.with(1, 2);
  const [first] = phones;
  const participant = phoneNumber(numberOf(1));
  await conference.calls.control.muteParticipant({ callConnectionId: id, participant });
  const come = async (
    user: string,
    replaced: FakeOutgoing | FakeIncoming,
  ): Promise<FakeIncoming> => {
    const phone = new FakeIncoming(user, 'tapedeck');
    phone.trunk = 'carrier';
    phone.replaces = replaced.sessionId;
    conference.world.signalling.onInvite(phone);
    await settled();
    return phone;
  };
  const muted = async (): Promise<readonly (string | boolean)[][]> =>
    (await conference.calls.participants(id)).map(({ identifier, isMuted }) => [
      identifier.rawId,
      isMuted,
    ]);
  const again = await come(numberOf(1), first!);
  expect(await muted()).toEqual([
    [`4:${numberOf(2)}`, false],
    [`4:${numberOf(1)}`, true],
  ]);
  await come(numberOf(3), again);
  expect(await muted()).toEqual([
    [`4:${numberOf(2)}`, false],
    [`4:${numberOf(3)}`, false],
  ]);
});
