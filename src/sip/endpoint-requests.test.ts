import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import type { SipEndpoint } from './endpoint.ts';
import type { InviteServerSession } from './session/invite-server-session.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './testing/call-setup.ts';
import { RawPeer, SDP_OFFER, type RawRequest } from './testing/raw-peer.ts';

const SERVER = { address: '10.0.0.2', port: 5060 };

let world: World;
let endpoint: SipEndpoint;
let peer: RawPeer;
let sessions: InviteServerSession[];
let ends: SessionEnd[];
let changes: RemoteMedia[];

beforeEach(async () => {
  world = createWorld();
  endpoint = await openEndpoint(world, SERVER.address);
  peer = await RawPeer.open(world.network, '10.0.0.9', 5062, SERVER);
  sessions = [];
  ends = [];
  changes = [];
  endpoint.onInvite = (session) => {
    sessions.push(session);
    session.onEnd = (end) => ends.push(end);
    session.onMediaChange = (remote) => changes.push(remote);
  };
});

async function turn(ms = 10): Promise<void> {
  await world.clock.advanceWithTurns(ms, ms > 200 ? 50 : 2);
}

async function ask(request: RawRequest): Promise<readonly number[]> {
  const before = peer.responses.length;
  peer.send(request);
  await turn();
  return peer.statuses.slice(before);
}

const INVITE: RawRequest = { method: 'INVITE', body: SDP_OFFER };

/** An established call; the result is our tag. */
async function establish(invite: RawRequest = INVITE): Promise<string> {
  peer.send(invite);
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address));
  await turn();
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  peer.send({ method: 'ACK', toTag, branch: 'z9hG4bK-ack' });
  await turn();
  await accepting;
  return toTag;
}

test.each<[string, RawRequest, number, string?]>([
  ['an unknown method', { method: 'FROBNICATE' }, 405, 'Allow'],
  ['REGISTER, where nobody registers', { method: 'REGISTER' }, 405, 'Allow'],
  ['no hops left', { ...INVITE, maxForwards: 0 }, 483],
  ['an unknown Require', { ...INVITE, headers: ['Require: fancy, timer'] }, 420, 'Unsupported'],
  ['a body that is no SDP', { ...INVITE, contentType: 'text/plain' }, 415, 'Accept'],
  ['an encoded body', { ...INVITE, headers: ['Content-Encoding: gzip'] }, 415, 'Accept-Encoding'],
  ['SDP that cannot be read', { ...INVITE, body: 'this is not SDP' }, 400],
  ['no codec of ours', { ...INVITE, body: SDP_OFFER.replace(' 0 8 101', ' 18') }, 488],
  ['no audio', { ...INVITE, body: SDP_OFFER.replace('m=audio', 'm=video') }, 488],
  ['a sips: URI', { ...INVITE, uri: 'sips:bob@10.0.0.2' }, 416],
  ['another scheme', { ...INVITE, uri: 'mailto:bob@10.0.0.2' }, 416],
  ['BYE without a dialog', { method: 'BYE', toTag: 'nope' }, 481],
  ['BYE without a tag', { method: 'BYE' }, 481],
  ['re-INVITE of an unknown dialog', { ...INVITE, toTag: 'nope' }, 481],
  ['CANCEL of nothing', { method: 'CANCEL' }, 481],
  [
    'a session timer that is too short',
    { ...INVITE, headers: ['Supported: timer', 'Session-Expires: 60'] },
    422,
    'Min-SE',
  ],
])('%s is refused', async (_, request, status, header) => {
  expect(await ask(request)).toEqual([status]);
  if (header !== undefined) expect(peer.last?.headers.has(header)).toBe(true);
  expect(sessions).toHaveLength(0);
});

test('a request without one of the fields that all must have gets 400', async () => {
  const whole = peer.text(INVITE);
  for (const field of ['From', 'To', 'Call-ID', 'CSeq', 'Contact']) {
    peer.sendText(
      whole
        .replace(new RegExp(`^${field}: .*\r\n`, 'm'), '')
        .replace('branch=', `branch=z9hG4bK-${field}`),
    );
  }
  await turn();
  expect(peer.texts.map((text) => text.slice(0, 11))).toEqual(Array(5).fill('SIP/2.0 400'));
  expect(sessions).toHaveLength(0);
});

test('OPTIONS tells what is supported, even without hops left', async () => {
  expect(await ask({ method: 'OPTIONS', maxForwards: 0 })).toEqual([200]);
  expect(peer.last?.headers.get('Allow')).toBe(
    'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY, PRACK',
  );
  expect(peer.last?.headers.get('Accept')).toBe('application/sdp');
});

test('a request that comes on two ways is served once (482)', async () => {
  expect(await ask({ ...INVITE, branch: 'z9hG4bK-way-1' })).toEqual([]);
  expect(await ask({ ...INVITE, branch: 'z9hG4bK-way-2' })).toEqual([482]);
  expect(sessions).toHaveLength(1);
});

test('the response goes to the source port when rport asks for it, and to sent-by when not', async () => {
  const other = await RawPeer.open(world.network, '10.0.0.9', 5090, SERVER);
  const request = peer.text({ method: 'OPTIONS' }).replace('10.0.0.9:5062;rport', '10.0.0.9:5090');
  peer.sendText(request);
  await turn();
  expect([peer.responses.length, other.responses.length]).toEqual([0, 1]);
  peer.sendText(request.replace(';branch=', ';rport;branch=2'));
  await turn();
  expect(peer.last?.headers.get('Via')).toContain('received=10.0.0.9');
  expect(peer.last?.headers.get('Via')).toContain('rport=5062');
});

test('a 200 is repeated until its ACK comes, and a late ACK still counts', async () => {
  peer.send(INVITE);
  await turn();
  void sessions[0]?.accept(mediaAt(SERVER.address));
  await turn(20_000);
  // 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5 s.
  expect(peer.statuses.filter((status) => status === 200)).toHaveLength(8);
  peer.send({
    method: 'ACK',
    toTag: peer.last?.to.parameters.get('tag') ?? '',
    branch: 'z9hG4bK-a',
  });
  await turn(60_000);
  expect(peer.statuses.filter((status) => status === 200)).toHaveLength(8);
  expect(ends).toEqual([]);
});

test('without any ACK the call is ended with BYE after 32 s', async () => {
  peer.send(INVITE);
  await turn();
  void sessions[0]?.accept(mediaAt(SERVER.address));
  await turn(31_900);
  expect(peer.requests).toEqual([]);
  await turn(200);
  expect(peer.requests.map((request) => request.method)).toEqual(['BYE']);
  expect(ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
});

test('our BYE waits for the ACK of our 200', async () => {
  peer.send(INVITE);
  await turn();
  void sessions[0]?.accept(mediaAt(SERVER.address));
  await turn();
  void sessions[0]?.end({ status: 200, reason: 'bye' });
  await turn(100);
  expect(peer.requests).toEqual([]);
  peer.send({
    method: 'ACK',
    toTag: peer.last?.to.parameters.get('tag') ?? '',
    branch: 'z9hG4bK-a',
  });
  await turn(100);
  expect(peer.requests.map((request) => request.method)).toEqual(['BYE']);
});

test('an INVITE without an offer gets ours in the 200, and its ACK answers it', async () => {
  peer.send({ method: 'INVITE' });
  await turn();
  expect(sessions[0]?.offeredFormats).toBeUndefined();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address));
  await turn();
  expect(Buffer.from(peer.last?.body ?? []).toString()).toContain(
    'm=audio 20000 RTP/AVP 0 8 9 111 112 113 101 102 103',
  );
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  peer.send({ method: 'ACK', toTag, body: SDP_OFFER.replace('0 8 101', '8'), branch: 'z9hG4bK-a' });
  await turn();
  const remote = await accepting;
  expect(remote?.format.codec).toBe('PCMA');
  expect(remote?.rtp).toEqual({ address: '10.0.0.9', port: 4000 });
});

/** What `onAgreed` was told, and its end when the test wants it. */
function preparation(): {
  readonly agreed: RemoteMedia[];
  readonly onAgreed: (remote: RemoteMedia) => Promise<void>;
  readonly finish: () => void;
  readonly fail: (error: Error) => void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const agreed: RemoteMedia[] = [];
  return {
    agreed,
    onAgreed: async (remote) => {
      agreed.push(remote);
      await promise;
    },
    finish: () => {
      resolve(undefined);
    },
    fail: reject,
  };
}

test('the 200 waits until media is ready for what was agreed on', async () => {
  const { agreed, onAgreed, finish } = preparation();
  peer.send(INVITE);
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address), { onAgreed });
  await turn(3_000);
  expect(agreed.map(({ rtp }) => rtp)).toEqual([{ address: '10.0.0.9', port: 4000 }]);
  expect(peer.statuses).toEqual([100]);
  await expect(sessions[0]?.accept(mediaAt(SERVER.address))).rejects.toMatchObject({
    code: 'call-ended',
  });
  finish();
  expect(await accepting).toBe(agreed[0]);
  await turn();
  expect(peer.statuses).toEqual([100, 200]);
});

test('a caller that cancels while media is made ready gets no 200', async () => {
  const { onAgreed, finish } = preparation();
  peer.send(INVITE);
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address), { onAgreed });
  const outcome = accepting?.catch((error: unknown) => error);
  expect(await ask({ method: 'CANCEL', branch: 'z9hG4bK-call-1-1-INVITE' })).toEqual([200, 487]);
  finish();
  expect(await outcome).toMatchObject({ code: 'call-ended' });
  await turn();
  expect(peer.statuses).toEqual([200, 487]);
});

test('when media cannot be made ready, the INVITE is left for its owner to refuse', async () => {
  const { onAgreed, fail } = preparation();
  peer.send(INVITE);
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address), { onAgreed });
  const outcome = accepting?.catch((error: unknown) => error);
  const failure = new Error('no worker');
  fail(failure);
  expect(await outcome).toBe(failure);
  await sessions[0]?.end({ status: 503, reason: 'Service Unavailable' });
  await turn();
  expect(peer.statuses).toEqual([503]);
});

test('after a late offer media is made ready when its answer is known', async () => {
  const { agreed, onAgreed, finish } = preparation();
  peer.send({ method: 'INVITE' });
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address), { onAgreed });
  await turn();
  expect(agreed).toEqual([]);
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  peer.send({ method: 'ACK', toTag, body: SDP_OFFER, branch: 'z9hG4bK-a' });
  await turn();
  expect(agreed).toHaveLength(1);
  finish();
  expect(await accepting).toBe(agreed[0]);
});

test.each([
  ['an ACK without an answer', ''],
  ['an answer without a codec of ours', SDP_OFFER.replace('0 8 101', '18')],
])('after a late offer, %s ends the call', async (_, body) => {
  peer.send({ method: 'INVITE' });
  await turn();
  const accepting = sessions[0]?.accept(mediaAt(SERVER.address));
  const outcome = accepting?.catch((error: unknown) => error);
  await turn();
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  peer.send({ method: 'ACK', toTag, body, branch: 'z9hG4bK-a' });
  await turn(100);
  expect(await outcome).toMatchObject({ code: 'destination-refused' });
  expect(peer.requests.map((request) => request.method)).toEqual(['BYE']);
  expect(ends).toEqual([expect.objectContaining({ status: 488 })]);
});

test('a re-INVITE moves the media; one that cannot be agreed changes nothing', async () => {
  const toTag = await establish();
  const moved = SDP_OFFER.replace('audio 4000', 'audio 4100');
  expect(await ask({ ...INVITE, toTag, cseq: 2, body: moved })).toEqual([200]);
  peer.send({ method: 'ACK', toTag, cseq: 2, branch: 'z9hG4bK-ack2' });
  await turn();
  expect(changes.map((change) => change.rtp.port)).toEqual([4100]);
  const alien = SDP_OFFER.replace('0 8 101', '18');
  expect(await ask({ ...INVITE, toTag, cseq: 3, body: alien })).toEqual([488]);
  peer.send({ method: 'ACK', toTag, cseq: 3, branch: 'z9hG4bK-call-1-3-INVITE' });
  await turn(40_000);
  expect(ends).toEqual([]);
  expect(changes).toHaveLength(1);
});

test('a re-INVITE without an offer is answered with one, and its ACK may move the media', async () => {
  const toTag = await establish();
  expect(await ask({ method: 'INVITE', toTag, cseq: 2 })).toEqual([200]);
  // Ours is open: an UPDATE with an offer has to wait (RFC 3311 §5.2).
  expect(await ask({ method: 'UPDATE', toTag, cseq: 3, body: SDP_OFFER })).toEqual([491]);
  const body = SDP_OFFER.replace('audio 4000', 'audio 4200');
  peer.send({ method: 'ACK', toTag, cseq: 2, body, branch: 'z9hG4bK-a2' });
  await turn();
  expect(changes.map((change) => change.rtp.port)).toEqual([4200]);
});

test('UPDATE holds and resumes', async () => {
  const toTag = await establish();
  const held = `${SDP_OFFER}a=sendonly\r\n`;
  expect(await ask({ method: 'UPDATE', toTag, cseq: 2, body: held })).toEqual([200]);
  expect(await ask({ method: 'UPDATE', toTag, cseq: 3, body: SDP_OFFER })).toEqual([200]);
  expect(changes.map((change) => change.direction)).toEqual(['recvonly', 'sendrecv']);
});

test('a request with a number that was passed already gets 500, an unknown method 405', async () => {
  const toTag = await establish({ ...INVITE, cseq: 1 });
  expect(await ask({ method: 'OPTIONS', toTag, cseq: 9 })).toEqual([200]);
  expect(await ask({ method: 'UPDATE', toTag, cseq: 5 })).toEqual([500]);
  expect(await ask({ method: 'PUBLISH', toTag, cseq: 10 })).toEqual([405]);
});

test('a second INVITE before the first is answered gets 500, an UPDATE with an offer too', async () => {
  peer.send(INVITE);
  await turn();
  sessions[0]?.ring();
  await turn();
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  expect(await ask({ ...INVITE, toTag, cseq: 2 })).toEqual([500]);
  expect(peer.last?.headers.has('Retry-After')).toBe(true);
  expect(await ask({ method: 'UPDATE', toTag, cseq: 3, body: SDP_OFFER })).toEqual([500]);
  expect(await ask({ method: 'UPDATE', toTag, cseq: 4 })).toEqual([200]);
});

test('a BYE whose 200 was lost gets it again, not 481', async () => {
  const toTag = await establish();
  expect(await ask({ method: 'BYE', toTag, cseq: 2 })).toEqual([200]);
  expect(await ask({ method: 'BYE', toTag, cseq: 2 })).toEqual([200]);
  expect(ends).toEqual([{ status: 200, reason: 'BYE', by: 'remote' }]);
});

test('a BYE before the answer ends the call that rings', async () => {
  peer.send(INVITE);
  await turn();
  sessions[0]?.ring();
  await turn();
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  expect(await ask({ method: 'BYE', toTag, cseq: 2 })).toEqual([200, 487]);
  expect(ends).toEqual([expect.objectContaining({ status: 487, by: 'remote' })]);
});

test('CANCEL ends a call that rings and changes nothing after the 200', async () => {
  peer.send(INVITE);
  await turn();
  expect(await ask({ method: 'CANCEL', branch: 'z9hG4bK-call-1-1-INVITE' })).toEqual([200, 487]);
  await expect(sessions[0]?.accept(mediaAt(SERVER.address))).rejects.toMatchObject({
    code: 'call-ended',
  });

  const second = { callId: 'call-2', fromTag: 'from-2' };
  peer.send({ ...INVITE, ...second });
  await turn();
  void sessions[1]?.accept(mediaAt(SERVER.address));
  await turn();
  expect(await ask({ method: 'CANCEL', ...second, branch: 'z9hG4bK-call-2-1-INVITE' })).toEqual([
    200,
  ]);
  expect(ends).toHaveLength(1);
});

test('ringing is repeated every minute, so that proxies do not give up', async () => {
  peer.send(INVITE);
  await turn();
  sessions[0]?.ring({ 'X-Tapedeck-Server-Call-Id': 'abc' });
  await turn(125_000);
  expect(peer.statuses.filter((status) => status === 180)).toHaveLength(3);
  expect(peer.last?.headers.get('X-Tapedeck-Server-Call-Id')).toBe('abc');
});

test('a session timer ends the call when the caller does not refresh it', async () => {
  const timer = ['Supported: timer', 'Session-Expires: 180'];
  const toTag = await establish({ ...INVITE, headers: timer });
  const accepted = peer.responses.find((response) => response.status === 200);
  expect(accepted?.headers.get('Session-Expires')).toBe('180;refresher=uac');
  expect(accepted?.headers.get('Require')).toBe('timer');
  await turn(140_000);
  expect(await ask({ method: 'UPDATE', toTag, cseq: 2, headers: timer })).toEqual([200]);
  await turn(147_900);
  expect(ends).toEqual([]);
  // A third of the interval, at most 32 s, before it is over (RFC 4028 §10).
  await turn(200);
  expect(ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
  expect(peer.requests.map((request) => request.method)).toEqual(['BYE']);
});

test('the callee refreshes when the caller wants it to, and gives up when the caller is gone', async () => {
  await establish({
    ...INVITE,
    headers: ['Supported: timer', 'Session-Expires: 100;refresher=uas'],
  });
  await turn(50_100);
  const [update] = peer.requests;
  expect(update?.method).toBe('UPDATE');
  if (update === undefined) throw new Error('no UPDATE');
  peer.respond(update, 200, { headers: ['Session-Expires: 100;refresher=uac', 'Require: timer'] });
  await turn(50_100);
  const again = peer.requests.filter((request) => request.method === 'UPDATE').at(-1);
  if (again === undefined || again === update) throw new Error('no second UPDATE');
  peer.respond(again, 481);
  await turn(100);
  expect(ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
});

test('a call without a session timer is left alone for hours', async () => {
  await establish();
  world.clock.advance(4 * 3_600_000);
  expect(ends).toEqual([]);
  expect(world.clock.pendingTimers).toBe(0);
});

test('for all bytes on the port, nothing throws and nothing is kept', () => {
  const texts = fc.constantFrom(peer.text(INVITE), peer.text({ method: 'BYE' }), SDP_OFFER);
  const torn = fc
    .tuple(texts, fc.nat(), fc.nat(), fc.string())
    .map(([text, from, length, junk]) => {
      const start = from % text.length;
      return text.slice(0, start) + junk + text.slice(start + (length % 40));
    });
  fc.assert(
    fc.property(fc.oneof(fc.string(), torn), (text) => {
      peer.sendText(text);
      world.clock.advance(5);
    }),
    { numRuns: 300 },
  );
  for (const session of sessions) void session.end({ status: 480, reason: 'x' });
  world.clock.advance(70_000);
  expect(endpoint.counts).toMatchObject({ serverTransactions: 0, dialogs: 0 });
});
