import { expect, test } from 'vitest';
import type { OfferedSecurity } from '../core/security-policy.ts';
import { Calls } from './calls.ts';
import type { Route } from './route.ts';
import { FakeIncoming } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

class Caller extends FakeIncoming {
  readonly offeredSecurity: OfferedSecurity | undefined;

  constructor(dialled: string, offered: OfferedSecurity | undefined) {
    super('alice', dialled);
    this.offeredSecurity = offered;
  }
}

const SECURE: Route = {
  to: /^bob$/,
  from: undefined,
  action: 'registered',
  trunk: undefined,
  group: undefined,
  record: undefined,
  secure: 'require',
};
const APPLICATION: Route = { ...SECURE, to: /^app$/, action: 'application' };

async function calling(
  dialled: string,
  offered: OfferedSecurity | undefined,
): Promise<{ readonly world: FakeWorld; readonly caller: Caller }> {
  const world = new FakeWorld();
  world.signalling.contacts.set('bob', ['sip:bob@192.0.2.7']);
  const calls = new Calls(world.ports, world.settings({ routes: [SECURE, APPLICATION] }));
  const caller = new Caller(dialled, offered);
  await calls.start();
  world.signalling.onInvite(caller);
  await settled();
  return { world, caller };
}

test.each(['bob', 'app'])(
  'by a route that requires encryption a plain call to %s is refused before anybody hears of it',
  async (dialled) => {
    const { world, caller } = await calling(dialled, ['plain']);
    expect(caller.ended?.status).toBe(488);
    expect(world.signalling.placed).toEqual([]);
    expect(world.ledger.eventData('IncomingCall')).toEqual([]);
  },
);

test.each([[['srtp'] as const], [['plain', 'srtp'] as const], [undefined]])(
  'an offer of %j is put through, and both sides have to keep to the route',
  async (offered) => {
    const { world, caller } = await calling('bob', offered);
    const [placed] = world.signalling.placed;
    expect(placed?.request.media.security).toBe('require');
    placed?.accept();
    await settled();
    expect(caller.accepted?.security).toBe('require');
  },
);

test('without such a route nothing is asked of anybody', async () => {
  const world = new FakeWorld();
  world.signalling.contacts.set('bob', ['sip:bob@192.0.2.7']);
  const calls = new Calls(world.ports, world.settings({}));
  await calls.start();
  const caller = new Caller('bob', ['plain']);
  world.signalling.onInvite(caller);
  await settled();
  expect(world.signalling.placed[0]?.request.media.security).toBeUndefined();
});
