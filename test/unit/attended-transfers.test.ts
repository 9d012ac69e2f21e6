import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionEnd } from '../../src/core/ports/signalling.ts';
import type { SipEndpoint } from '../../src/sip/endpoint.ts';
import type { InviteClientSession } from '../../src/sip/session/invite-client-session.ts';
import type { InviteServerSession } from '../../src/sip/session/invite-server-session.ts';
import { openSipStage, OURS, SERVER, type SipStage } from '../support/sip-stage.ts';

let stage: SipStage;
let alice: SipEndpoint;
let ends: string[];

beforeEach(async () => {
  stage = await openSipStage();
  alice = await stage.register('alice', '10.0.0.6');
  await stage.register('bob', '10.0.0.5');
  await stage.register('carol', '10.0.0.7');
  ends = [];
});

/** Calls, and tells in `ends` when that is over. */
async function call(from: SipEndpoint, user: string, to: string): Promise<InviteClientSession> {
  const session = await stage.call(from, user, `sip:${to}@${SERVER.address}`);
  note(session, `${user} to ${to}`);
  return session;
}

function note(session: { onEnd: (end: SessionEnd) => void }, name: string): void {
  session.onEnd = ({ status, by }) => ends.push(`${name}: ${status} ${by}`);
}

/** How a phone names a dialog of its own to somebody else: its tag is the far side's `from-tag`. */
function replaces(session: InviteClientSession | InviteServerSession): string {
  const record = session.record();
  const tagOf = (address = ''): string => /;tag=([^;>]+)/.exec(address)?.[1] ?? '';
  return `${record?.callId};to-tag=${tagOf(record?.remote)};from-tag=${tagOf(record?.local)}`;
}

const talking = async (): Promise<readonly (readonly string[])[]> =>
  (await stage.calls.calls()).map(({ participants }) =>
    participants.map(({ identifier }) => identifier.rawId.replace(/^.*_/, '')),
  );

describe('an attended transfer', () => {
  test('by a REFER with Replaces joins the other ends of the two calls', async () => {
    const toBob = await call(alice, 'alice', 'bob');
    const toCarol = await call(alice, 'alice', 'carol');
    expect(await talking()).toEqual([
      ['alice', 'bob'],
      ['alice', 'carol'],
    ]);
    const [bob, carol] = stage.arrived;
    note(bob!, 'bob');
    note(carol!, 'carol');
    const outcome = toBob.refer(
      { uri: `sip:carol@${OURS}`, headers: { Replaces: replaces(toCarol) } },
      30_000,
    );
    await stage.turn();
    expect(await outcome).toMatchObject({ status: 200 });
    expect(await talking()).toEqual([['bob', 'carol']]);
    // Nobody is called for it, and only the phone that transferred is hung up, in both its calls.
    expect(stage.invites.filter(({ text }) => !/^To: [^\r]*;tag=/m.test(text))).toHaveLength(2);
    expect(ends.sort()).toEqual(['alice to bob: 200 remote', 'alice to carol: 200 remote']);
  });

  test('by an INVITE with Replaces puts the new phone in the place of the one that it names', async () => {
    const toBob = await call(alice, 'alice', 'bob');
    const [bob] = stage.arrived;
    note(bob!, 'bob');
    const carol = await stage.register('carol', '10.0.0.9');
    const taking = await stage.call(carol, 'carol', `sip:bob@${SERVER.address}`, {
      Replaces: replaces(toBob),
      Require: 'replaces',
    });
    taking.onEnd = ({ status }) => ends.push(`carol: ${status}`);
    expect(await talking()).toEqual([['bob', 'carol']]);
    expect(ends).toEqual(['alice to bob: 200 remote']);
    void bob!.end({ status: 200, reason: 'Done' });
    await stage.turn();
    expect(ends).toEqual(['alice to bob: 200 remote', 'bob: 200 local', 'carol: 200']);
  });

  test('that names a call of others is refused, in either way', async () => {
    const toBob = await call(alice, 'alice', 'bob');
    const mallory = await stage.register('mallory', '10.0.0.8');
    const toCarol = await call(mallory, 'mallory', 'carol');
    const before = await talking();
    const outcome = toCarol.refer(
      { uri: `sip:bob@${OURS}`, headers: { Replaces: replaces(toBob) } },
      30_000,
    );
    await stage.turn();
    expect(await outcome).toMatchObject({ status: 403, isRefused: true });
    const stranger = await stage.peer('10.0.0.66');
    const header = `Replaces: ${replaces(toBob)}`;
    stranger.send({ method: 'INVITE', uri: `sip:bob@${OURS}`, headers: [header], body: SDP });
    await stage.turn();
    expect(stranger.last?.status).toBe(403);
    expect(await talking()).toEqual(before);
    expect(ends).toEqual([]);
  });
});

const SDP =
  'v=0\r\no=- 1 1 IN IP4 10.0.0.66\r\ns=-\r\nc=IN IP4 10.0.0.66\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
