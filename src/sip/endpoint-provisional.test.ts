import { beforeEach, expect, test } from 'vitest';
import { parseRAck } from '../protocols/sip/rack.ts';
import type { SipResponse } from '../protocols/sip/message.ts';
import { mediaAt } from './testing/call-setup.ts';
import { RawCall, textOf, US } from './testing/raw-call.ts';
import { SDP_OFFER } from './testing/raw-peer.ts';

let call: RawCall;

beforeEach(async () => {
  call = await RawCall.open();
});

const REQUIRED = ['Require: 100rel', 'Supported: 100rel'];

function ringing(): readonly SipResponse[] {
  return call.peer.responses.filter((response) => response.status === 180);
}

async function prack(rack: string, more: { body?: string } = {}): Promise<number> {
  call.toTag =
    call.peer.responses.find((each) => each.status === 180)?.to.parameters.get('tag') ?? '';
  const response = await call.ask({ method: 'PRACK', headers: [`RAck: ${rack}`], ...more });
  return response.status;
}

test('ringing that must be acknowledged is repeated until its PRACK comes', async () => {
  const session = await call.receive(REQUIRED);
  session.ring({ 'X-Call': '1' });
  await call.turn(3_600);
  // 0, 0.5, 1.5, 3.5 s.
  expect(ringing()).toHaveLength(4);
  const [first] = ringing();
  expect(first?.headers.get('Require')).toBe('100rel');
  expect(first?.headers.get('X-Call')).toBe('1');
  const rseq = Number(first?.headers.get('RSeq'));
  expect(new Set(ringing().map((each) => each.headers.get('RSeq')))).toEqual(
    new Set([String(rseq)]),
  );
  expect(await prack(`${rseq} 1 BYE`)).toBe(481);
  expect(await prack(`${rseq} 2 INVITE`)).toBe(481);
  expect(await prack(`${rseq + 1} 1 INVITE`)).toBe(481);
  expect(await prack('nonsense')).toBe(481);
  expect(await prack(`${rseq} 1 INVITE`)).toBe(200);
  await call.turn(20_000);
  expect(ringing()).toHaveLength(4);
  // The next one has the next number.
  session.ring();
  await call.turn();
  expect(ringing().at(-1)?.headers.get('RSeq')).toBe(String(rseq + 1));
  expect(await prack(`${rseq + 1} 1 INVITE`)).toBe(200);
});

test('one reliable response waits for the PRACK of the other, and only the newest is kept', async () => {
  const session = await call.receive(REQUIRED);
  session.ring({ 'X-Call': '1' });
  session.ring({ 'X-Call': '2' });
  session.ring({ 'X-Call': '3' });
  await call.turn();
  expect(ringing()).toHaveLength(1);
  const rseq = Number(ringing()[0]?.headers.get('RSeq'));
  expect(await prack(`${rseq} 1 INVITE`)).toBe(200);
  expect(ringing().map((each) => each.headers.get('X-Call'))).toEqual(['1', '3']);
  expect(ringing()[1]?.headers.get('RSeq')).toBe(String(rseq + 1));
});

test('without any PRACK the INVITE is refused after 32 s', async () => {
  const session = await call.receive(REQUIRED);
  session.ring();
  await call.turn(31_900);
  expect(call.ends).toEqual([]);
  await call.turn(200);
  expect(call.peer.last?.status).toBe(504);
  expect(call.ends).toEqual([expect.objectContaining({ status: 504, by: 'network' })]);
});

test('the 200 need not wait for a PRACK, which is answered nevertheless', async () => {
  const session = await call.receive(REQUIRED);
  session.ring();
  await call.turn();
  const rseq = ringing()[0]?.headers.get('RSeq') ?? '';
  void session.accept(mediaAt(US.address));
  await call.turn();
  expect(call.peer.last?.status).toBe(200);
  expect(await prack(`${rseq} 1 INVITE`)).toBe(200);
  expect(await prack(`9${rseq} 1 INVITE`)).toBe(481);
  await call.turn(10_000);
  expect(ringing()).toHaveLength(1);
});

test('a caller that only supports reliable responses gets plain ones', async () => {
  const session = await call.receive(['Supported: 100rel']);
  session.ring();
  await call.turn(10_000);
  expect(ringing()).toHaveLength(1);
  expect(ringing()[0]?.headers.has('RSeq')).toBe(false);
  expect(await prack('1 1 INVITE')).toBe(481);
});

test('a caller that requires them and leaves the offer to us hears nothing before the 200', async () => {
  const session = await call.receive(REQUIRED, '');
  session.ring();
  await call.turn(1_000);
  expect(call.peer.statuses).toEqual([100]);
  void session.accept(mediaAt(US.address));
  await call.turn();
  expect(call.peer.last?.status).toBe(200);
});

/** A provisional response of the peer. */
function respond(status: number, rseq?: number, body = '', toTag = 'peer'): void {
  const headers = rseq === undefined ? [] : ['Require: 100rel', `RSeq: ${rseq}`];
  call.peer.respond(call.request('INVITE'), status, { toTag, headers, body });
}

function racks(): readonly string[] {
  return call.peer.requests
    .filter((request) => request.method === 'PRACK')
    .map((request) => request.headers.get('RAck') ?? '');
}

test('our INVITE says what it supports, and every reliable response is acknowledged once', async () => {
  const session = await call.place();
  expect(call.request('INVITE').headers.get('Supported')).toContain('100rel');
  respond(180, 7_000);
  await call.turn();
  expect(racks()).toEqual(['7000 1 INVITE']);
  const prackRequest = call.request('PRACK');
  expect(parseRAck(racks()[0] ?? '')).toMatchObject({ rseq: 7_000 });
  expect(prackRequest.cseq.number).toBe(2);
  expect(prackRequest.to.parameters.get('tag')).toBe('peer');
  call.peer.respond(prackRequest, 200);
  // Repeated, and out of order: not acknowledged, and no news.
  respond(180, 7_000);
  respond(183, 7_002);
  await call.turn();
  expect(racks()).toHaveLength(1);
  respond(183, 7_001);
  await call.turn();
  expect(racks()).toEqual(['7000 1 INVITE', '7001 1 INVITE']);
  call.peer.respond(call.request('PRACK'), 200);
  expect(call.progress).toEqual([180, 183]);
  call.peer.respond(call.request('INVITE'), 200, { toTag: 'peer', body: SDP_OFFER });
  await call.turn();
  expect(call.accepted).toHaveLength(1);
  void session.end({ status: 200, reason: 'done' });
  await call.turn();
  // The numbers of the dialog go on behind those of the PRACKs.
  expect(call.request('BYE').cseq.number).toBe(4);
});

test('SDP in a reliable response is the answer, whatever the 200 says', async () => {
  await call.place();
  respond(183, 1, SDP_OFFER.replace('audio 4000', 'audio 4040'));
  await call.turn();
  call.peer.respond(call.request('PRACK'), 200);
  await call.turn();
  expect(call.accepted).toEqual([]);
  call.peer.respond(call.request('INVITE'), 200, { toTag: 'peer', body: SDP_OFFER });
  await call.turn();
  expect(call.accepted.map(({ rtp }) => rtp.port)).toEqual([4040]);
});

test('an UPDATE before the answer moves the media that the 200 agrees on', async () => {
  await call.place();
  respond(183, 1);
  await call.turn();
  call.peer.respond(call.request('PRACK'), 200);
  // No answer to our offer yet.
  expect((await call.askBack({ method: 'UPDATE', body: SDP_OFFER })).status).toBe(500);
  respond(183, 2, SDP_OFFER);
  await call.turn();
  call.peer.respond(call.request('PRACK'), 200);
  const moved = SDP_OFFER.replace('audio 4000', 'audio 4050');
  const response = await call.askBack({ method: 'UPDATE', body: moved });
  expect(response.status).toBe(200);
  expect(textOf(response.body)).toContain('m=audio 20000 ');
  expect((await call.askBack({ method: 'UPDATE' })).status).toBe(200);
  expect((await call.askBack({ method: 'INFO' })).status).toBe(405);
  call.peer.respond(call.request('INVITE'), 200, { toTag: 'peer' });
  await call.turn();
  expect(call.accepted.map(({ rtp }) => rtp.port)).toEqual([4050]);
  expect((await call.askBack({ method: 'INFO' })).status).toBe(200);
});

test('forks that ring reliably are acknowledged each, and forgotten with the call', async () => {
  await call.place();
  for (const tag of ['a', 'b', 'c']) {
    respond(180, 5, '', tag);
    await call.turn();
    expect(call.request('PRACK').to.parameters.get('tag')).toBe(tag);
    call.peer.respond(call.request('PRACK'), 200);
  }
  expect(call.endpoint.counts.dialogs).toBe(3);
  call.peer.respond(call.request('INVITE'), 486, { toTag: 'a' });
  await call.turn();
  expect(call.endpoint.counts.dialogs).toBe(0);
  await call.turn(60_000);
  expect(call.world.clock.pendingTimers).toBe(0);
});
