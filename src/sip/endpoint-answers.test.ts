import { beforeEach, expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { parseSipUri } from '../protocols/sip/uri.ts';
import type { InviteClientSession } from './session/invite-client-session.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './testing/call-setup.ts';
import { RawPeer, SDP_OFFER } from './testing/raw-peer.ts';

const US = { address: '10.0.0.2', port: 5060 };

let world: World;
let peer: RawPeer;
let call: InviteClientSession;
let accepted: RemoteMedia[];
let ends: SessionEnd[];

beforeEach(async () => {
  world = createWorld();
  const endpoint = await openEndpoint(world, US.address);
  peer = await RawPeer.open(world.network, '10.0.0.9', 5062, US);
  const uri = parseSipUri('sip:callee@10.0.0.9:5062');
  if (!uri.ok) throw new Error(uri.defect);
  call = endpoint.invite({
    uri: uri.value,
    from: { user: 'us', host: '', displayName: '' },
    media: mediaAt(US.address),
  });
  accepted = [];
  ends = [];
  call.onAccept = (remote) => accepted.push(remote);
  call.onEnd = (end) => ends.push(end);
  await turn();
});

async function turn(ms = 20): Promise<void> {
  await world.clock.advanceWithTurns(ms, ms > 200 ? 50 : 2);
}

function invite(): SipRequest {
  const [request] = peer.requests;
  if (request?.method !== 'INVITE') throw new Error('no INVITE came');
  return request;
}

function methods(): readonly string[] {
  return peer.requests.map((request) => request.method);
}

test('every repetition of a 200 is acknowledged, so that a lost ACK does no harm', async () => {
  for (let times = 0; times < 3; times += 1) {
    peer.respond(invite(), 200, { toTag: 'a', body: SDP_OFFER });
    await turn();
  }
  expect(methods()).toEqual(['INVITE', 'ACK', 'ACK', 'ACK']);
  expect(accepted).toHaveLength(1);
});

test('a second fork that answers is acknowledged and ended, and the first goes on', async () => {
  peer.respond(invite(), 200, { toTag: 'a', body: SDP_OFFER });
  await turn();
  peer.respond(invite(), 200, { toTag: 'b', body: SDP_OFFER });
  await turn();
  expect(methods()).toEqual(['INVITE', 'ACK', 'ACK', 'BYE']);
  expect(peer.requests.at(-1)?.to.parameters.get('tag')).toBe('b');
  expect([accepted.length, ends.length]).toEqual([1, 0]);
});

test('a refusal is acknowledged on the branch of the INVITE, with the refusal’s tag', async () => {
  peer.respond(invite(), 486, { toTag: 'busy' });
  await turn();
  const ack = peer.requests.at(-1);
  expect(ack).toMatchObject({ method: 'ACK', cseq: { number: 1, method: 'ACK' } });
  expect(ack?.via.parameters.get('branch')).toBe(invite().via.parameters.get('branch'));
  expect(ack?.to.parameters.get('tag')).toBe('busy');
  expect(ends).toEqual([expect.objectContaining({ status: 486, by: 'remote' })]);
});

test('a 200 without SDP takes the answer of its own 183', async () => {
  peer.respond(invite(), 183, { toTag: 'a', body: SDP_OFFER });
  await turn();
  expect(accepted).toEqual([]);
  peer.respond(invite(), 200, { toTag: 'a' });
  await turn();
  expect(accepted[0]?.rtp.port).toBe(4000);
});

test.each([
  ['without any answer', ''],
  ['with a codec that was not offered', SDP_OFFER.replace('0 8 101', '18')],
])('a 200 %s is acknowledged and ended', async (_, body) => {
  peer.respond(invite(), 200, { toTag: 'a', body });
  await turn();
  expect(methods()).toEqual(['INVITE', 'ACK', 'BYE']);
  expect(ends).toEqual([expect.objectContaining({ status: 488, by: 'local' })]);
});

test('a CANCEL has the branch and number of its INVITE, and its 487 ends the call', async () => {
  peer.respond(invite(), 180, { toTag: 'a' });
  await turn();
  void call.end({ status: 487, reason: 'no' });
  await turn();
  const cancel = peer.requests.at(-1);
  expect(cancel).toMatchObject({ method: 'CANCEL', cseq: { number: 1 } });
  expect(cancel?.via.parameters.get('branch')).toBe(invite().via.parameters.get('branch'));
  if (cancel === undefined) throw new Error('no CANCEL');
  peer.respond(cancel, 200);
  peer.respond(invite(), 487, { toTag: 'a' });
  await turn();
  expect(ends).toEqual([expect.objectContaining({ status: 487, by: 'local' })]);
});

test('a callee that answers nothing to a CANCEL is given up after 32 s', async () => {
  peer.respond(invite(), 180, { toTag: 'a' });
  await turn();
  const ending = call.end({ status: 487, reason: 'no' });
  await turn(32_500);
  await ending;
  expect(ends).toEqual([expect.objectContaining({ status: 487, by: 'local' })]);
});

test('a BYE of ours goes unanswered for 32 s at most', async () => {
  peer.respond(invite(), 200, { toTag: 'a', body: SDP_OFFER });
  await turn();
  const ending = call.end({ status: 200, reason: 'done' });
  await turn();
  expect(ends).toEqual([{ status: 200, reason: 'done', by: 'local' }]);
  await turn(33_000);
  await ending;
  expect(methods().filter((method) => method === 'BYE')).toHaveLength(11);
  expect(world.clock.pendingTimers).toBe(0);
});
