import { beforeEach, describe, expect, test } from 'vitest';
import { SDP_OFFER, type RawPeer, type RawRequest } from '../../src/sip/testing/raw-peer.ts';
import { openSipStage, OURS, SERVER, TRUNK, type SipStage } from '../support/sip-stage.ts';

/** Where the REFERs of these tests point to: every one of them would cost money, or reach somebody else. */
const TARGETS = [
  '<tel:+15550100>',
  `<sip:+15550100@${SERVER.address}>`,
  `<sips:+15550100@${SERVER.address}>`,
  '<sip:+15550100@evil.test>',
  '<sip:0190@10.0.0.77>',
  '<sip:0190@10.0.0.2;maddr=10.0.0.77>',
  '<sip:0190%40evil.test@10.0.0.2>',
  '<sip:0190@10.0.0.77?X-Evil=1%0d%0aX-Worse%3A%202>',
  '<sip:0190%0d%0aX-Evil:%201@10.0.0.77>',
  '<sip:0190@10.0.0.77?Replaces=call-1%3Bto-tag%3Da%3Bfrom-tag%3Db>',
  '<sip:0190@10.0.0.77?Route=%3Csip%3A10.0.0.77%3Blr%3E>',
  '<sip:x@10.0.0.77;method=BYE>',
  '<http://10.0.0.77/>',
  '<sip:@10.0.0.77>',
  '0190',
  '',
];

let stage: SipStage;

beforeEach(async () => {
  stage = await openSipStage();
});

/** Somebody calls bob, who answers; what becomes of requests in that call. */
async function inCall(
  address: string,
): Promise<{ readonly ask: (request: RawRequest) => Promise<number | undefined> }> {
  await stage.register('bob', '10.0.0.5');
  const caller = await stage.peer(address);
  caller.send({ method: 'INVITE', uri: `sip:bob@${OURS}`, body: SDP_OFFER });
  await stage.turn();
  expect(caller.last?.status).toBe(200);
  const toTag = caller.last?.to.parameters.get('tag') ?? '';
  caller.send({ method: 'ACK', toTag, branch: 'z9hG4bK-ack' });
  await stage.turn();
  let cseq = 1;
  return {
    ask: async (request) => {
      cseq += 1;
      const before = caller.responses.length;
      caller.send({ toTag, cseq, ...request });
      await stage.turn();
      return caller.responses.slice(before)[0]?.status;
    },
  };
}

describe.each([
  ['a stranger', '10.0.0.66'],
  ['somebody behind a trunk', '10.9.0.1'],
])('a REFER of %s', (_, address) => {
  test.each(TARGETS)('to %s has nobody called', async (target) => {
    const { ask } = await inCall(address);
    expect(stage.invites).toHaveLength(1);
    const status = await ask({ method: 'REFER', headers: [`Refer-To: ${target}`] });
    expect([400, 403, 404, 416, 481, 501]).toContain(status);
    expect(stage.invites).toHaveLength(1);
    // The call is as it was.
    expect(await ask({ method: 'OPTIONS' })).toBe(200);
  });

  test('outside a call is none of ours', async () => {
    const peer = await stage.peer(address);
    peer.send({ method: 'REFER', uri: `sip:bob@${OURS}`, headers: ['Refer-To: <sip:0190@x>'] });
    await stage.turn();
    expect(peer.statuses).toEqual([481]);
    expect(stage.invites).toEqual([]);
  });
});

test('who only says that it is a user has no call in which to send a REFER', async () => {
  await stage.register('bob', '10.0.0.5');
  const liar = await stage.peer('10.0.0.66');
  liar.send({ method: 'INVITE', fromUser: 'alice', uri: `sip:0190@${OURS}`, body: SDP_OFFER });
  liar.send({
    ...{ method: 'INVITE', callId: 'call-2', uri: `sip:0190@${OURS}`, body: SDP_OFFER },
    headers: ['P-Asserted-Identity: <sip:alice@10.0.0.2>'],
  });
  await stage.turn();
  expect(liar.statuses.filter((status) => status >= 200).sort()).toEqual([403, 407]);
  expect(stage.invites).toEqual([]);
});

test('somebody behind a trunk is connected to a phone that is registered here', async () => {
  const { ask } = await inCall('10.9.0.1');
  await stage.register('alice', '10.0.0.6');
  expect(await ask({ method: 'REFER', headers: ['Refer-To: <sip:alice@evil.test>'] })).toBe(202);
  expect(stage.invites.map(({ to }) => to)).toEqual(['10.0.0.5:5060', '10.0.0.6:5060']);
});

test('a user’s REFER goes where a call of the user would, and nowhere else', async () => {
  await stage.peer('10.9.0.1');
  const everywhere = await stage.peer('10.0.0.77');
  const alice = await stage.register('alice', '10.0.0.6');
  await stage.register('bob', '10.0.0.5');
  for (const target of TARGETS) {
    const call = await stage.call(alice, 'alice', `sip:bob@${SERVER.address}`);
    const uri = /^<(.+)>$/.exec(target)?.[1] ?? target;
    void call.refer({ uri }, 1_000);
    await stage.turn();
    void call.end({ status: 200, reason: 'Done' });
    await stage.turn();
  }
  const destinations = new Set(stage.invites.map(({ to }) => to));
  expect([...destinations].sort()).toEqual(['10.0.0.5:5060', TRUNK]);
  expect(everywhere.texts).toEqual([]);
  const outside = stage.invites.filter(({ to }) => to === TRUNK);
  expect(outside.length).toBeGreaterThan(5);
  for (const { text } of outside) {
    expect(text).toMatch(/^INVITE sip:[^@\s]+@10\.9\.0\.1:5060 SIP\/2\.0\r\n/);
    expect(text).not.toMatch(/^(X-Evil|X-Worse|Route|Replaces)/m);
  }
});

test('a phone that registers an address that is not its own is called where it is seen', async () => {
  const contacts = [OURS, '10.0.0.77:5060', '10.0.0.5:5060'].map((at) => `<sip:mallory@${at}>`);
  await stage.register('mallory', '10.0.0.8', contacts.join(', '));
  const stranger = await stage.peer('10.0.0.66');
  stranger.send({ method: 'INVITE', uri: `sip:mallory@${OURS}`, body: SDP_OFFER });
  await stage.turn();
  expect(stranger.last?.status).toBe(200);
  expect(stage.invites.map(({ to }) => to)).toEqual(contacts.map(() => '10.0.0.8:5060'));
});

describe('a call that comes back to us', () => {
  test('is a loop: 482, and nobody is called twice', async () => {
    const carrier = await stage.peer('10.9.0.1');
    carrier.send({ method: 'INVITE', uri: `sip:+9911@${OURS}`, body: SDP_OFFER });
    await stage.turn();
    expect(carrier.last?.status).toBe(482);
    expect(stage.invites.map(({ to }) => to)).toEqual([OURS]);
  });

  test('changed by the server in between, ends when it has been through enough of them', async () => {
    let bounced = 0;
    const forwards: number[] = [];
    const carrier: RawPeer = await stage.peer('10.9.0.1', (request) => {
      const maxForwards = Number(request.headers.get('Max-Forwards'));
      if (request.method !== 'INVITE' || forwards.includes(maxForwards)) return;
      forwards.push(maxForwards);
      bounced += 1;
      carrier.send({
        ...{ method: 'INVITE', callId: `back-${bounced}`, body: SDP_OFFER },
        ...{ uri: `sip:+15550100@${OURS}`, maxForwards: maxForwards - 1 },
      });
    });
    carrier.send({ method: 'INVITE', uri: `sip:+15550100@${OURS}`, body: SDP_OFFER });
    await stage.turn(400);
    expect(forwards).toEqual(Array.from({ length: 35 }, (__, index) => 69 - 2 * index));
    expect(carrier.statuses).toContain(483);
  });
});
