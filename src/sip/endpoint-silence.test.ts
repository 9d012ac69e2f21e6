import { expect, test } from 'vitest';
import { parseSipUri } from '../protocols/sip/uri.ts';
import type { InviteClientSession } from './session/invite-client-session.ts';
import { mediaAt } from './testing/call-setup.ts';
import { RawCall, US } from './testing/raw-call.ts';
import { SDP_OFFER } from './testing/raw-peer.ts';

const PATIENCE_MS = 6_000;

/** An INVITE of ours that is given up when the peer says nothing. */
async function impatient(
  call: RawCall,
  host = '10.0.0.9',
): Promise<{ readonly session: InviteClientSession; readonly ends: unknown[] }> {
  const uri = parseSipUri(`sip:callee@${host}:5062`);
  if (!uri.ok) throw new Error(uri.defect);
  const session = call.endpoint.invite({
    uri: uri.value,
    from: { user: 'us', host: '', displayName: '' },
    media: mediaAt(US.address),
    answerWithinMs: PATIENCE_MS,
  });
  const ends: unknown[] = [];
  session.onEnd = ({ status, by }) => ends.push([status, by]);
  session.onAccept = () => ends.push('accepted');
  await call.turn();
  return { session, ends };
}

test('who says nothing at all is given up', async () => {
  const call = await RawCall.open();
  const { ends } = await impatient(call);
  await call.turn(PATIENCE_MS - 100);
  expect(ends).toEqual([]);
  await call.turn(200);
  expect(ends).toEqual([[408, 'network']]);
  await call.turn(60_000);
  expect(ends).toHaveLength(1);
  expect(call.endpoint.counts).toMatchObject({ clientTransactions: 0, dialogs: 0 });
});

test('who says as much as 100 is waited for', async () => {
  const call = await RawCall.open();
  const { ends } = await impatient(call);
  call.peer.respond(call.request('INVITE'), 100);
  await call.turn(20_000);
  expect(ends).toEqual([]);
  call.peer.respond(call.request('INVITE'), 200, { toTag: 'peer', body: SDP_OFFER });
  await call.turn();
  expect(ends).toEqual(['accepted']);
});

test('who rings after that is cancelled, and who accepts is hung up', async () => {
  const call = await RawCall.open();
  const { ends } = await impatient(call);
  await call.turn(PATIENCE_MS + 100);
  call.peer.respond(call.request('INVITE'), 180, { toTag: 'peer' });
  await call.turn();
  expect(call.count('CANCEL')).toBe(1);
  call.peer.respond(call.request('INVITE'), 200, { toTag: 'peer', body: SDP_OFFER });
  await call.turn();
  expect(call.count('ACK')).toBe(1);
  expect(call.count('BYE')).toBe(1);
  call.peer.respond(call.request('BYE'), 200);
  await call.turn(60_000);
  expect(ends).toEqual([[408, 'network']]);
  expect(call.endpoint.counts).toMatchObject({ clientTransactions: 0, dialogs: 0 });
});

test('a refusal in time is what it is', async () => {
  const call = await RawCall.open();
  const { ends } = await impatient(call);
  call.peer.respond(call.request('INVITE'), 486, { toTag: 'peer' });
  await call.turn(PATIENCE_MS + 100);
  expect(ends).toEqual([[486, 'remote']]);
});

test('a call that is hung up before says nothing more', async () => {
  const call = await RawCall.open();
  const { session, ends } = await impatient(call);
  void session.end({ status: 487, reason: 'no' });
  await call.turn(PATIENCE_MS + 100);
  expect(ends).toEqual([]);
  await call.turn(60_000);
  expect(ends).toEqual([[487, 'local']]);
});
