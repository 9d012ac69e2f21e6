import { expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import type { IncomingCallContext } from '../core/ids.ts';
import { Calls } from './calls.ts';
import { FakeIncoming } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const TRUNK = { name: 'carrier', uri: 'sip:192.0.2.10:5060' };
const ROUTE = {
  to: /^1\d{3}$/,
  from: undefined,
  action: 'trunk',
  trunk: 'carrier',
  group: undefined,
  record: undefined,
} as const;

/** A world whose media worker takes its time over `setLegMedia`. */
class SlowWorld extends FakeWorld {
  readonly calls: Calls;
  readonly caller: FakeIncoming;
  finish: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  constructor(dialled: string) {
    super();
    const { setLegMedia } = this.media;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    promise.catch(() => undefined);
    this.finish = () => {
      resolve(undefined);
    };
    this.fail = reject;
    this.media.setLegMedia = async (legId, remote) => {
      await promise;
      await setLegMedia(legId, remote);
    };
    this.calls = new Calls(this.ports, this.settings({ routes: [ROUTE], trunks: [TRUNK] }));
    this.caller = new FakeIncoming('+15550100', dialled);
    this.caller.trunk = TRUNK.name;
  }

  /** The caller has everything but its 200. */
  async bringUp(): Promise<void> {
    await this.calls.start();
    this.signalling.onInvite(this.caller);
    await settled();
    this.signalling.placed[0]?.accept();
    await settled();
  }

  async answer(): Promise<void> {
    const [offered] = this.ledger.eventData('IncomingCall');
    await this.calls.answer({
      incomingCallContext: offered?.['incomingCallContext'] as IncomingCallContext,
      callbackUri: 'https://app.test/events',
      apiVersion: '2026-03-12',
    });
    await settled();
  }

  get legsWithMedia(): number {
    return [...this.media.legs.values()].filter((remote) => remote !== undefined).length;
  }
}

test('a caller that is put through has its 200 only when the media of both is set', async () => {
  const world = new SlowWorld('1234');
  await world.bringUp();
  expect(world.media.legs.size).toBe(2);
  expect(world.caller.accepted).toBeUndefined();
  expect(world.legsWithMedia).toBe(0);
  world.finish();
  await settled();
  expect(world.caller.accepted).toBeDefined();
  expect(world.legsWithMedia).toBe(2);
  expect(world.caller.isOver).toBe(false);
});

test('a caller that an application answers has its 200 only when its media is set', async () => {
  const world = new SlowWorld('+15550199');
  await world.bringUp();
  await world.answer();
  expect(world.caller.accepted).toBeUndefined();
  world.finish();
  await settled();
  expect(world.caller.accepted).toBeDefined();
  expect(world.legsWithMedia).toBe(1);
});

test('a caller that gives up meanwhile is not answered, and the callee is let go', async () => {
  const world = new SlowWorld('1234');
  await world.bringUp();
  world.caller.hangUp();
  world.finish();
  await settled();
  expect(world.caller.accepted).toBeUndefined();
  expect(world.signalling.placed[0]?.ended?.status).toBe(487);
  expect(world.media.legs.size).toBe(0);
  expect(await world.calls.calls()).toEqual([]);
});

test('a caller whose media cannot be set is refused, and the callee is let go', async () => {
  const world = new SlowWorld('1234');
  await world.bringUp();
  world.fail(new TapedeckError('internal', 'the media worker is gone'));
  await settled();
  expect(world.caller.accepted).toBeUndefined();
  expect(world.caller.ended?.status).toBe(500);
  expect(world.signalling.placed[0]?.isOver).toBe(true);
  expect(world.media.legs.size).toBe(0);
});
