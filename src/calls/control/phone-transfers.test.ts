import { beforeEach, describe, expect, test } from 'vitest';
import type { IncomingRefer } from '../../core/ports/session-control.ts';
import { Calls } from '../calls.ts';
import { FakeIncoming, type FakeOutgoing } from '../testing/fake-signalling.ts';
import { FakeWorld, settled } from '../testing/fake-world.ts';

const USERS = ['alice', 'bob', 'carol'].map((name) => ({
  name,
  identity: undefined,
  number: undefined,
}));
const ROUTES = [
  { to: /^0/, from: undefined, action: 'trunk', trunk: 'carrier', group: undefined },
  { to: /^9/, from: undefined, action: 'reject', trunk: undefined, group: undefined },
].map((route) => ({ ...route, record: undefined }) as const);

let world: FakeWorld;
let calls: Calls;

beforeEach(async () => {
  world = new FakeWorld();
  for (const { name } of USERS) world.signalling.contacts.set(name, [`sip:${name}@phone.test`]);
  const trunks = [{ name: 'carrier', uri: 'sip:192.0.2.10' }];
  const routes = ROUTES as never;
  calls = new Calls(world.ports, world.settings({ users: USERS, trunks, routes }));
  await calls.start();
});

/** `from` calls `to`, who answers. */
async function talk(
  from: string,
  to: string,
): Promise<{ readonly caller: FakeIncoming; readonly callee: FakeOutgoing }> {
  const caller = new FakeIncoming(from, to);
  if (USERS.some(({ name }) => name === from)) caller.authenticatedUser = from;
  world.signalling.onInvite(caller);
  await settled();
  const callee = rung();
  callee.accept();
  await settled();
  return { caller, callee };
}

const rung = (): FakeOutgoing => world.signalling.placed.at(-1)!;

/** The phone asks to be connected to `user`; what we answer, and tell it of the progress. */
async function refer(
  phone: FakeIncoming | FakeOutgoing,
  user: string,
  replaces?: IncomingRefer['replaces'],
): Promise<string[]> {
  const said: string[] = [];
  phone.onRefer({
    user,
    host: 'tapedeck.test',
    uri: `sip:${user}@tapedeck.test`,
    replaces,
    accept: () => {
      said.push('202');
      return {
        notify: (status) => {
          said.push(`NOTIFY ${status}`);
        },
      };
    },
    refuse: (status) => {
      said.push(`refused ${status}`);
    },
  });
  await settled();
  return said;
}

const talks = async (): Promise<readonly (readonly string[])[]> =>
  (await calls.calls()).map(({ participants }) =>
    participants.map(({ identifier }) => identifier.rawId.replace(/^.*_/, '')),
  );

describe('a blind transfer by a phone', () => {
  test('connects the other side to whom it names, and the phone leaves', async () => {
    const { caller, callee } = await talk('+15550100', 'alice');
    const said = await refer(callee, 'bob');
    const bob = rung();
    expect(bob.request).toMatchObject({ uri: 'sip:bob@phone.test', from: { user: '+15550100' } });
    bob.onProgress(180);
    bob.accept();
    await settled();
    expect(said).toEqual(['202', 'NOTIFY 180', 'NOTIFY 200']);
    expect(await talks()).toEqual([['4:+15550100', 'bob']]);
    expect(callee.ended?.status).toBe(200);
    expect(caller.ended).toBeUndefined();
  });

  test('works too when the phone hangs up at once', async () => {
    const { caller, callee } = await talk('+15550100', 'alice');
    await refer(callee, 'bob');
    callee.hangUp();
    await settled();
    expect(caller.ended).toBeUndefined();
    rung().accept();
    await settled();
    expect(await talks()).toEqual([['4:+15550100', 'bob']]);
  });

  test('that is not taken changes nothing, and ends the call of one who is left alone', async () => {
    const first = await talk('+15550100', 'alice');
    const said = await refer(first.callee, 'bob');
    rung().refuse(486, 'Busy Here');
    await settled();
    expect(said.at(-1)).toBe('NOTIFY 486');
    expect(await talks()).toEqual([['4:+15550100', 'alice']]);
    await refer(first.callee, 'bob');
    first.callee.hangUp();
    await settled();
    rung().refuse(486, 'Busy Here');
    await settled();
    expect(first.caller.ended).toBeDefined();
    expect(await talks()).toEqual([]);
  });

  test('goes out through the trunk of the route', async () => {
    const { callee } = await talk('+15550100', 'alice');
    await refer(callee, '030123456');
    expect(rung().request).toMatchObject({ uri: 'sip:030123456@192.0.2.10', trunk: 'carrier' });
  });

  test.each([
    ['to somebody who is nowhere', 'nobody', 404],
    ['that a route rejects', '911', 603],
  ])('%s is refused', async (_, user, status) => {
    const { callee } = await talk('+15550100', 'alice');
    expect(await refer(callee, user)).toEqual([`refused ${status}`]);
  });

  test('by a stranger is refused, and nobody is called', async () => {
    const { caller } = await talk('+15550100', 'alice');
    const placed = world.signalling.placed.length;
    expect(await refer(caller, '030123456')).toEqual(['refused 403']);
    expect(world.signalling.placed).toHaveLength(placed);
  });
});

describe('an attended transfer by a phone', () => {
  test('joins the others of its two calls, and the phone leaves both', async () => {
    const first = await talk('+15550100', 'alice');
    const second = await talk('alice', 'bob');
    const said = await refer(first.callee, 'bob', second.caller.sessionId);
    expect(said).toEqual(['202', 'NOTIFY 200']);
    expect(await talks()).toEqual([['4:+15550100', 'bob']]);
    expect(first.callee.ended).toBeDefined();
    expect(second.caller.ended).toBeDefined();
    expect(second.callee.ended).toBeUndefined();
    expect(second.callee.reoffered).toHaveLength(1);
    second.callee.hangUp();
    await settled();
    expect(first.caller.ended).toBeDefined();
  });

  test('that the other phone does not follow leaves both calls as they are', async () => {
    const first = await talk('+15550100', 'alice');
    const second = await talk('alice', 'bob');
    second.callee.refusesOffers = true;
    const said = await refer(first.callee, 'bob', second.caller.sessionId);
    expect(said.at(-1)).toBe('NOTIFY 503');
    expect(await talks()).toEqual([
      ['4:+15550100', 'alice'],
      ['alice', 'bob'],
    ]);
  });

  test('into the call of somebody else, or into none, is refused', async () => {
    const first = await talk('+15550100', 'alice');
    const others = await talk('bob', 'carol');
    expect(await refer(first.callee, 'bob', others.caller.sessionId)).toEqual(['refused 403']);
    expect(await refer(first.callee, 'bob', 'session-x' as never)).toEqual(['refused 481']);
    expect(await refer(first.callee, 'bob', first.callee.sessionId)).toEqual(['refused 481']);
  });
});
