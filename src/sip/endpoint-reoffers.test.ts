import { beforeEach, expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { InviteClientSession } from './session/invite-client-session.ts';
import { mediaAt } from './testing/call-setup.ts';
import { RawCall, textOf, US } from './testing/raw-call.ts';
import { SDP_OFFER } from './testing/raw-peer.ts';

let call: RawCall;

beforeEach(async () => {
  call = await RawCall.open();
});

function reoffer(session: Pick<InviteClientSession, 'reoffer'>): {
  readonly result: () => RemoteMedia | { readonly code: string } | undefined;
} {
  let result: RemoteMedia | { readonly code: string } | undefined;
  session.reoffer(mediaAt(US.address, 40_000)).then(
    (remote) => (result = remote),
    (error: unknown) => (result = error as { code: string }),
  );
  return { result: () => result };
}

function versionIn(body: Uint8Array): number {
  return Number(/^o=- \d+ (\d+) /m.exec(textOf(body))?.[1]);
}

test('a new offer goes as re-INVITE with the next number and version, and its answer is acknowledged', async () => {
  const session = await call.connect();
  const first = call.request('INVITE');
  const offered = reoffer(session);
  await call.turn();
  const again = call.request('INVITE');
  expect(again.cseq.number).toBe(first.cseq.number + 1);
  expect(again.to.parameters.get('tag')).toBe('peer');
  expect(textOf(again.body)).toContain('m=audio 40000 ');
  expect(versionIn(again.body)).toBe(versionIn(first.body) + 1);
  for (let times = 0; times < 2; times += 1) {
    call.peer.respond(again, 200, { body: SDP_OFFER.replace('audio 4000', 'audio 4444') });
    await call.turn();
  }
  const acks = call.peer.requests.filter(
    (request) => request.method === 'ACK' && request.cseq.number === again.cseq.number,
  );
  expect(acks).toHaveLength(2);
  expect(offered.result()).toMatchObject({ rtp: { port: 4444 } });
});

test('a refusal leaves the session as it was: the next answer has the old address', async () => {
  const session = await call.answer();
  const offered = reoffer(session);
  await call.turn();
  call.peer.respond(call.request('INVITE'), 488);
  await call.turn();
  expect(offered.result()).toMatchObject({ code: 'destination-refused' });
  expect(call.ends).toEqual([]);
  const response = await call.ask({ method: 'UPDATE', body: SDP_OFFER });
  expect(textOf(response.body)).toContain('m=audio 20000 ');
});

test.each([408, 481])('a %i ends the call', async (status) => {
  const session = await call.connect();
  const offered = reoffer(session);
  await call.turn();
  call.peer.respond(call.request('INVITE'), status);
  await call.turn();
  expect(offered.result()).toMatchObject({ code: 'destination-unreachable' });
  expect(call.ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
});

test('a far side that rings a re-INVITE for ever has it cancelled, and is given up', async () => {
  const session = await call.connect();
  const offered = reoffer(session);
  await call.turn();
  call.peer.respond(call.request('INVITE'), 180);
  await call.turn(32_500);
  expect(call.request('CANCEL').cseq.number).toBe(call.request('INVITE').cseq.number);
  await call.turn(32_500);
  expect(offered.result()).toMatchObject({ code: 'destination-unreachable' });
});

test.each([
  ['who owns the Call-ID waits 2.1 to 4 s', true, 2_000, 4_100],
  ['the other side up to 2 s', false, 0, 2_050],
] as const)('after glare, %s and offers again', async (_, weCalled, fromMs, untilMs) => {
  const session = weCalled ? await call.connect() : await call.answer();
  const offered = reoffer(session);
  await call.turn();
  const first = call.request('INVITE');
  call.peer.respond(first, 491);
  await call.turn(fromMs);
  if (fromMs > 0) expect(call.request('INVITE').cseq.number).toBe(first.cseq.number);
  await call.turn(untilMs - fromMs);
  const second = call.request('INVITE');
  expect(second.cseq.number).toBe(first.cseq.number + 1);
  call.peer.respond(second, 200, { body: SDP_OFFER });
  await call.turn();
  expect(offered.result()).toMatchObject({ rtp: { port: 4000 } });
});

test('while an offer of ours is under way theirs gets 491, and both see the same afterwards', async () => {
  const session = await call.answer();
  const offered = reoffer(session);
  await call.turn();
  expect((await call.ask({ method: 'INVITE', body: SDP_OFFER })).status).toBe(491);
  expect((await call.ask({ method: 'UPDATE', body: SDP_OFFER })).status).toBe(491);
  // What changes no media may pass.
  expect((await call.ask({ method: 'UPDATE' })).status).toBe(200);
  call.peer.respond(call.request('INVITE'), 491);
  await call.turn();
  const response = await call.ask({ method: 'INVITE', body: SDP_OFFER });
  expect(response.status).toBe(200);
  // Ours waits until theirs is acknowledged (RFC 3261 §14.1).
  await call.turn(3_000);
  expect(call.count('INVITE')).toBe(1);
  const cseq = response.cseq.number;
  call.peer.send({ method: 'ACK', toTag: call.toTag, cseq, branch: 'z9hG4bK-a3' });
  await call.turn();
  expect(call.count('INVITE')).toBe(2);
  call.peer.respond(call.request('INVITE'), 200, { body: SDP_OFFER });
  await call.turn();
  expect(offered.result()).toMatchObject({ rtp: { port: 4000 } });
});

test('a challenge to a re-INVITE is answered', async () => {
  const session = await call.connect();
  const offered = reoffer(session);
  await call.turn();
  const challenge = 'Digest realm="phones", nonce="n1", qop="auth", algorithm=MD5';
  call.peer.respond(call.request('INVITE'), 401, { headers: [`WWW-Authenticate: ${challenge}`] });
  await call.turn();
  const again = call.request('INVITE');
  expect(again.headers.get('Authorization')).toContain('username="us"');
  call.peer.respond(again, 200, { body: SDP_OFFER });
  await call.turn();
  expect(offered.result()).toMatchObject({ rtp: { port: 4000 } });
  expect(call.request('ACK').headers.get('Authorization')).toContain('username="us"');
});

test('two offers go one after the other, and BYE ends the one that waits', async () => {
  const session = await call.connect();
  const [one, two] = [reoffer(session), reoffer(session)];
  await call.turn();
  expect(call.count('INVITE')).toBe(2);
  call.peer.respond(call.request('INVITE'), 200, { body: SDP_OFFER });
  await call.turn();
  expect(one.result()).toMatchObject({ rtp: { port: 4000 } });
  expect(call.count('INVITE')).toBe(3);
  call.peer.respond(call.request('INVITE'), 491);
  await call.turn();
  expect((await call.askBack({ method: 'BYE' })).status).toBe(200);
  await call.turn();
  expect(two.result()).toMatchObject({ code: 'destination-unreachable' });
  expect(call.count('INVITE')).toBe(3);
  await call.turn(40_000);
  expect(call.world.clock.pendingTimers).toBe(0);
});

test('a 200 without an answer ends the call', async () => {
  const session = await call.connect();
  const offered = reoffer(session);
  await call.turn();
  call.peer.respond(call.request('INVITE'), 200);
  await call.turn();
  expect(offered.result()).toMatchObject({ code: 'destination-refused' });
  expect(call.ends).toEqual([expect.objectContaining({ status: 488, by: 'local' })]);
  expect(call.count('BYE')).toBe(1);
});

test.each([
  ['sendonly', 'recvonly'],
  ['inactive', 'inactive'],
] as const)('a phone that holds with %s is followed, and resumes', async (theirs, ours) => {
  await call.answer();
  for (const [held, expected] of [
    [`${SDP_OFFER}a=${theirs}\r\n`, ours],
    [SDP_OFFER, 'sendrecv'],
  ] as const) {
    const response = await call.ask({ method: 'INVITE', body: held });
    expect(textOf(response.body)).toContain(`a=${expected}`);
    const cseq = response.cseq.number;
    call.peer.send({ method: 'ACK', toTag: call.toTag, cseq, branch: `z9hG4bK-a${cseq}` });
    await call.turn();
    expect(call.changes.at(-1)?.direction).toBe(expected);
  }
});

test('a hold by the address 0.0.0.0 silences us, and resumes', async () => {
  await call.answer();
  const held = SDP_OFFER.replace('c=IN IP4 10.0.0.9', 'c=IN IP4 0.0.0.0');
  expect((await call.ask({ method: 'UPDATE', body: held })).status).toBe(200);
  expect(call.changes.at(-1)).toMatchObject({
    direction: 'recvonly',
    // From where music may come meanwhile.
    rtp: { address: '10.0.0.9' },
    rtcp: { address: '10.0.0.9' },
  });
  expect((await call.ask({ method: 'UPDATE', body: SDP_OFFER })).status).toBe(200);
  expect(call.changes.at(-1)).toMatchObject({
    direction: 'sendrecv',
    rtp: { address: '10.0.0.9' },
  });
});
