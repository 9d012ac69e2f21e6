import { beforeEach, describe, expect, test } from 'vitest';
import type { IncomingInvite } from '../core/ports/signalling.ts';
import { createSipServer, type SipServer } from './server.ts';
import { createWorld, mediaAt, type World } from './testing/call-setup.ts';
import { RawPeer, SDP_OFFER } from './testing/raw-peer.ts';

const SERVER = { address: '10.0.0.2', port: 5060 };
const OLD = 'call-old';

let world: World;
let server: SipServer;
let phone: RawPeer;
let invites: IncomingInvite[];

beforeEach(async () => {
  world = createWorld();
  server = await createSipServer(
    {
      hosts: [SERVER.address],
      port: SERVER.port,
      users: [{ name: 'alice', secret: 'wonderland' }],
      trunks: [],
    },
    world.ports,
  );
  phone = await RawPeer.open(world.network, '10.0.0.9', 5062, SERVER);
  invites = [];
  server.onInvite = (invite) => invites.push(invite);
});

async function turn(): Promise<void> {
  await world.clock.advanceWithTurns(20, 2);
}

/** A call that is up; our tag. */
async function established(): Promise<string> {
  phone.send({ method: 'INVITE', callId: OLD, body: SDP_OFFER });
  await turn();
  void invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  const toTag = phone.last?.to.parameters.get('tag') ?? '';
  phone.send({ method: 'ACK', callId: OLD, toTag, branch: 'z9hG4bK-ack' });
  await turn();
  return toTag;
}

let calls = 0;

async function ask(
  headers: readonly string[],
  method = 'INVITE',
  fromUser = 'caller',
): Promise<number | undefined> {
  calls += 1;
  const before = phone.responses.length;
  const body = method === 'INVITE' ? SDP_OFFER : '';
  phone.send({ method, callId: `call-new-${calls}`, fromUser, body, headers });
  await turn();
  return phone.responses.slice(before).at(-1)?.status;
}

describe('an INVITE with Replaces', () => {
  test('names the session whose dialog it means, in either order of the tags', async () => {
    const tag = await established();
    const [old] = invites;
    await ask([`Replaces: ${OLD};to-tag=${tag};from-tag=from-1`, 'Require: replaces']);
    await ask([`Replaces: ${OLD} ; from-tag=${tag};to-tag=from-1`]);
    expect(invites.slice(1).map(({ replaces }) => replaces)).toEqual([
      old?.sessionId,
      old?.sessionId,
    ]);
    expect(old?.replaces).toBeUndefined();
  });

  test.each([
    ['another call', `call-x;to-tag=TAG;from-tag=from-1`, 481],
    ['another tag of ours', `${OLD};to-tag=x;from-tag=from-1`, 481],
    ['another tag of theirs', `${OLD};to-tag=TAG;from-tag=x`, 481],
    ['only a call that rings', `${OLD};to-tag=TAG;from-tag=from-1;early-only`, 486],
    ['no tags', OLD, 400],
    ['nothing', '', 400],
  ])('of %s is refused', async (_, value, status) => {
    const tag = await established();
    expect(await ask([`Replaces: ${value.replace('TAG', tag)}`])).toBe(status);
    expect(invites).toHaveLength(1);
    expect(server.counts.dialogs).toBe(1);
  });

  test('twice, with Join, or in another method is a bad request', async () => {
    const tag = await established();
    const one = `Replaces: ${OLD};to-tag=${tag};from-tag=from-1`;
    expect(await ask([one, one])).toBe(400);
    expect(await ask([one, `Join: ${OLD};to-tag=${tag};from-tag=from-1`])).toBe(400);
    expect(await ask([one], 'OPTIONS')).toBe(400);
    expect(invites).toHaveLength(1);
  });

  test('of a call that only rings is refused: it has nobody to take over from', async () => {
    phone.send({ method: 'INVITE', callId: OLD, body: SDP_OFFER });
    await turn();
    invites[0]?.ring();
    await turn();
    const tag = phone.last?.to.parameters.get('tag') ?? '';
    expect(await ask([`Replaces: ${OLD};to-tag=${tag};from-tag=from-1`])).toBe(481);
  });

  test('of a call that is over is refused', async () => {
    const tag = await established();
    // The phone is gone: our BYE is not answered, and neither is it forgotten yet.
    void invites[0]?.end({ status: 200, reason: 'Done' });
    expect(await ask([`Replaces: ${OLD};to-tag=${tag};from-tag=from-1`])).toBe(603);
    phone.send({ method: 'BYE', callId: OLD, toTag: tag, cseq: 2 });
    await turn();
    expect(await ask([`Replaces: ${OLD};to-tag=${tag};from-tag=from-1`])).toBe(481);
  });

  test('of a user has to prove that it is the user first', async () => {
    const tag = await established();
    const header = `Replaces: ${OLD};to-tag=${tag};from-tag=from-1`;
    expect(await ask([header], 'INVITE', 'alice')).toBe(407);
    expect(invites).toHaveLength(1);
  });
});

test('that calls can be replaced is told to whoever asks', async () => {
  await ask([], 'OPTIONS');
  expect(phone.last?.headers.get('Supported')).toContain('replaces');
});
