import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import { parseSipUri } from '../protocols/sip/uri.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { SipEndpoint } from './endpoint.ts';
import type { InviteClientSession } from './session/invite-client-session.ts';
import type { InviteServerSession } from './session/invite-server-session.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './testing/call-setup.ts';
import { seededRandom } from './testing/seeded-random.ts';

const CALLER = '10.0.0.1';
const CALLEE = '10.0.0.2';

type Call = {
  readonly outgoing: InviteClientSession;
  readonly incoming: () => InviteServerSession;
  readonly agreed: { caller?: RemoteMedia; callee?: RemoteMedia };
  readonly ends: { caller: SessionEnd[]; callee: SessionEnd[] };
};

function place(
  caller: SipEndpoint,
  callee: SipEndpoint,
  answer: (session: InviteServerSession, agreed: Call['agreed']) => void,
  parameters = '',
): Call {
  const agreed: Call['agreed'] = {};
  const ends: Call['ends'] = { caller: [], callee: [] };
  const found: { incoming?: InviteServerSession } = {};
  callee.onInvite = (session) => {
    found.incoming = session;
    session.onEnd = (end) => ends.callee.push(end);
    answer(session, agreed);
  };
  const uri = parseSipUri(`sip:bob@${CALLEE}:5060${parameters}`);
  if (!uri.ok) throw new Error(uri.defect);
  const outgoing = caller.invite({
    uri: uri.value,
    from: { user: 'alice', host: '', displayName: 'Alice' },
    media: mediaAt(CALLER),
    mediaAddresses: ['198.51.100.0/24'],
  });
  outgoing.onAccept = (remote) => (agreed.caller = remote);
  outgoing.onEnd = (end) => ends.caller.push(end);
  return {
    outgoing,
    agreed,
    ends,
    incoming: () => {
      if (found.incoming === undefined) throw new Error('no INVITE arrived');
      return found.incoming;
    },
  };
}

function acceptAtOnce(session: InviteServerSession, agreed: Call['agreed']): void {
  session.accept(mediaAt(CALLEE, 30_000)).then(
    (remote) => (agreed.callee = remote),
    () => undefined,
  );
}

async function pair(world: World): Promise<readonly [SipEndpoint, SipEndpoint]> {
  return [await openEndpoint(world, CALLER), await openEndpoint(world, CALLEE)];
}

test.each(['', ';transport=tcp'])(
  'a call is placed, agreed on both sides and ended (%s)',
  async (how) => {
    const world = createWorld();
    const [caller, callee] = await pair(world);
    const call = place(caller, callee, acceptAtOnce, how);
    await world.clock.advanceWithTurns(100);
    expect(call.agreed.caller?.rtp).toEqual({ address: CALLEE, port: 30_000 });
    expect(call.agreed.caller?.format.codec).toBe('PCMU');
    expect(call.agreed.caller?.alternativeSources).toEqual([CALLEE, '198.51.100.0/24']);
    expect(call.agreed.callee?.rtp).toEqual({ address: CALLER, port: 20_000 });
    expect(call.outgoing.record()?.routeSet).toEqual([]);

    const ended = call.outgoing.end({ status: 200, reason: 'done' });
    await world.clock.advanceWithTurns(100);
    await ended;
    expect(call.ends.caller).toEqual([{ status: 200, reason: 'done', by: 'local' }]);
    expect(call.ends.callee).toEqual([{ status: 200, reason: 'BYE', by: 'remote' }]);
    expect([caller.counts.dialogs, callee.counts.dialogs]).toEqual([0, 0]);
  },
);

test('the callee may end it too, and everything is forgotten after the last timer', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  const call = place(caller, callee, acceptAtOnce);
  await world.clock.advanceWithTurns(100);
  void call.incoming().end({ status: 480, reason: 'gone home' });
  await world.clock.advanceWithTurns(40_000, 100);
  expect(call.ends.caller).toEqual([{ status: 200, reason: 'gone home', by: 'remote' }]);
  expect(callee.counts).toMatchObject({ serverTransactions: 0, clientTransactions: 0, dialogs: 0 });
  expect(caller.counts).toMatchObject({ serverTransactions: 0, clientTransactions: 0, dialogs: 0 });
  expect(world.clock.pendingTimers).toBe(0);
});

test('a refusal reaches the caller with its status', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  const call = place(caller, callee, (session) => {
    void session.end({ status: 486, reason: 'Busy Here' });
  });
  await world.clock.advanceWithTurns(100);
  expect(call.ends.caller).toEqual([{ status: 486, reason: 'Busy Here', by: 'remote' }]);
  expect(call.ends.callee).toEqual([{ status: 486, reason: 'Busy Here', by: 'local' }]);
});

test('a call that rings is cancelled, and both sides see 487', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  const progress: number[] = [];
  const call = place(caller, callee, (session) => {
    session.ring();
  });
  call.outgoing.onProgress = (status) => progress.push(status);
  await world.clock.advanceWithTurns(1_000, 50);
  const ended = call.outgoing.end({ status: 487, reason: 'changed my mind' });
  await world.clock.advanceWithTurns(100);
  await ended;
  expect(progress).toEqual([180]);
  expect(call.ends.caller).toEqual([expect.objectContaining({ status: 487, by: 'local' })]);
  expect(call.ends.callee).toEqual([expect.objectContaining({ status: 487, by: 'remote' })]);
});

test('a CANCEL waits for a provisional response, however long that takes', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  world.network.loses = ({ from, text }) => from.startsWith(CALLEE) && text.includes(' 100 ');
  const call = place(caller, callee, () => undefined);
  await world.clock.advanceWithTurns(20);
  void call.outgoing.end({ status: 487, reason: 'x' });
  await world.clock.advanceWithTurns(2_000, 50);
  expect(call.ends.callee).toEqual([]);
  call.incoming().ring();
  await world.clock.advanceWithTurns(100);
  expect(call.ends.callee).toEqual([expect.objectContaining({ status: 487, by: 'remote' })]);
});

test('a 200 that crosses a CANCEL is acknowledged and ended with BYE', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  const call = place(caller, callee, (session) => {
    session.ring();
  });
  await world.clock.advanceWithTurns(50);
  acceptAtOnce(call.incoming(), call.agreed);
  void call.outgoing.end({ status: 487, reason: 'too late' });
  await world.clock.advanceWithTurns(3_000, 50);
  expect(call.ends.callee).toEqual([{ status: 200, reason: 'too late', by: 'remote' }]);
  expect(call.ends.caller).toEqual([expect.objectContaining({ status: 487, by: 'local' })]);
  expect(call.agreed.caller).toBeUndefined();
  expect([caller.counts.dialogs, callee.counts.dialogs]).toEqual([0, 0]);
});

test('a destination that does not answer ends with 408 after timer B', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  world.network.loses = () => true;
  const call = place(caller, callee, acceptAtOnce);
  await world.clock.advanceWithTurns(31_900, 100);
  expect(call.ends.caller).toEqual([]);
  await world.clock.advanceWithTurns(200);
  expect(call.ends.caller).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
});

test('a host that cannot be found, and a transport that is not built, end with 503', async () => {
  const world = createWorld();
  const caller = await openEndpoint(world, CALLER);
  for (const text of ['sip:x@nowhere.example', 'sips:x@10.0.0.2', 'sip:x@[2001:db8::1]']) {
    const uri = parseSipUri(text);
    if (!uri.ok) throw new Error(uri.defect);
    const outgoing = caller.invite({
      uri: uri.value,
      from: { user: 'a', host: '', displayName: '' },
      media: mediaAt(CALLER),
    });
    const ends: SessionEnd[] = [];
    outgoing.onEnd = (end) => ends.push(end);
    await world.clock.advanceWithTurns(50);
    expect(ends).toEqual([expect.objectContaining({ status: 503, by: 'network' })]);
  }
});

test('for all patterns that lose a quarter of the datagrams, calls are set up and ended on both sides', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const world = createWorld(seed);
      const dice = seededRandom(seed + 1);
      world.network.loses = () => dice.fraction() < 0.25;
      const [caller, callee] = await pair(world);
      const call = place(caller, callee, (session, agreed) => {
        session.ring();
        acceptAtOnce(session, agreed);
      });
      await world.clock.advanceWithTurns(30_000, 250);
      expect(call.agreed.caller?.rtp.port).toBe(30_000);
      expect(call.agreed.callee?.rtp.port).toBe(20_000);
      void call.outgoing.end({ status: 200, reason: 'bye' });
      await world.clock.advanceWithTurns(70_000, 250);
      expect(call.ends.caller).toHaveLength(1);
      expect(call.ends.callee).toEqual([{ status: 200, reason: 'BYE', by: 'remote' }]);
      expect(world.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 30, seed: 7 },
  );
});

test('a request too long for UDP goes by TCP, and by UDP where nobody listens for TCP', async () => {
  const world = createWorld();
  const [caller, callee] = await pair(world);
  const sizes: number[] = [];
  world.network.loses = ({ text }) => {
    if (text.startsWith('INVITE')) sizes.push(text.length);
    return false;
  };
  const long = { 'X-Long': 'x'.repeat(1_300) };
  const uri = parseSipUri(`sip:bob@${CALLEE}`);
  const deaf = parseSipUri('sip:bob@10.0.0.3');
  if (!uri.ok || !deaf.ok) throw new Error('bad URI');
  const common = {
    from: { user: 'a', host: '', displayName: '' },
    media: mediaAt(CALLER),
    headers: long,
  };
  let transport = '';
  callee.onInvite = (session) => (transport = session.flow.transport);
  caller.invite({ ...common, uri: uri.value });
  await world.clock.advanceWithTurns(50);
  expect([transport, sizes.length]).toEqual(['TCP', 0]);
  caller.invite({ ...common, uri: deaf.value });
  await world.clock.advanceWithTurns(50);
  expect(sizes).toHaveLength(1);
});

test('a call over IPv6 carries its addresses in brackets, and its SDP says IP6', async () => {
  const world = createWorld();
  const [here, there] = ['2001:db8::1', '2001:db8::2'];
  const caller = await openEndpoint(world, here);
  const callee = await openEndpoint(world, there);
  let body = '';
  callee.onInvite = (session) => {
    body = Buffer.from(session.request.body).toString();
    void session.accept(mediaAt(there));
  };
  const uri = parseSipUri(`sip:bob@[${there}]`);
  if (!uri.ok) throw new Error(uri.defect);
  const outgoing = caller.invite({
    uri: uri.value,
    from: { user: 'a', host: '', displayName: '' },
    media: mediaAt(here),
  });
  let remote: RemoteMedia | undefined;
  outgoing.onAccept = (accepted) => (remote = accepted);
  await world.clock.advanceWithTurns(100, 2);
  expect(body).toContain(`c=IN IP6 ${here}`);
  expect(remote?.rtp.address).toBe(there);
  expect(outgoing.record()?.remoteTarget).toBe(`sip:bob@[${there}]:5060`);
});

test('a handler that throws ends in the log, not in the socket', async () => {
  const world = createWorld();
  const lines: string[] = [];
  const log = { ...SILENT_LOGGER, error: (_: unknown, sentence: string) => lines.push(sentence) };
  const ports = { ...world.ports, log };
  const callee = await SipEndpoint.open({ hosts: [CALLEE], port: 5060 }, ports);
  const caller = await openEndpoint(world, CALLER);
  place(caller, callee, () => {
    throw new Error('a defect');
  });
  await world.clock.advanceWithTurns(50, 2);
  expect(lines).toEqual(['handling of a SIP message failed']);
});
