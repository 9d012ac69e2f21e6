import { afterAll, beforeAll, expect, test } from 'vitest';
import { PHONES, TONES_HZ } from '../support/control-session.ts';
import { AMPLITUDE, MediaLine } from '../support/peers/media-line.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { headerOf, mediaIn, type SippPhone } from '../support/peers/sipp-phone.ts';
import {
  ack,
  callerHangsUp,
  calleeRequest,
  callerRequest,
  invite,
  isHungUp,
  pause,
  receive,
  receiveAnswer,
  receiveInvite,
  receiveKeeping,
  respond,
  respondToInvite,
  scenario,
  SDP,
  untilTold,
} from '../support/peers/sipp-scenario.ts';
import { spansOf } from '../support/tone-plan.ts';
import { expectHeard, SippSession } from '../support/sipp-session.ts';

const CALLER_HZ = 440;

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open();
});

afterAll(async () => {
  await session.close();
});

async function expectGood(sipp: SippPhone): Promise<void> {
  expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
}

test('a caller that requires it acknowledges its ringing, which is repeated until then', async () => {
  const { sipp, user } = await session.caller(
    'application',
    scenario(
      invite({ body: SDP, headers: ['Require: 100rel'] }),
      receiveKeeping(180, 'RSeq', 'rseq'),
      pause(2_400),
      callerRequest('PRACK', 2, { headers: ['RAck: [$rseq] 1 INVITE'] }),
      receive(200),
      // Again: it has come, and is no mistake.
      callerRequest('PRACK', 3, { headers: ['RAck: [$rseq] 1 INVITE'] }),
      receive(200),
      callerRequest('PRACK', 4, { headers: ['RAck: 1 1 INVITE'] }),
      receive(481),
      receiveAnswer(),
      ack(),
      isHungUp(),
    ),
  );
  await sipp.message('received', /^SIP\/2.0 481/);
  const rings = await sipp.matching('received', /^SIP\/2.0 180/);
  // At once, after half a second and after one more.
  expect(rings.length).toBeGreaterThanOrEqual(3);
  expect(new Set(rings.map(({ text }) => headerOf(text, 'RSeq'))).size).toBe(1);
  expect(rings.map(({ text }) => headerOf(text, 'Require'))).toEqual(rings.map(() => '100rel'));
  const call = await session.answered(user);
  await session.control.finish(call);
  await expectGood(sipp);
  expect(await sipp.matching('received', /^SIP\/2.0 180/)).toHaveLength(rings.length);
});

test('a reliable 183 of a callee is acknowledged once, and its SDP is the answer', async () => {
  const early = { body: SDP, headers: ['Require: 100rel', 'RSeq: 7001'] };
  const { sipp, line, identifier } = await session.callee(
    scenario(
      receiveInvite(),
      respondToInvite(183, early),
      // The PRACK is lost, and comes again.
      pause(300),
      respondToInvite(183, early),
      receive('PRACK'),
      respond(200),
      // One more that was under way.
      respondToInvite(183, early),
      pause(700),
      respondToInvite(200, { retransmitted: true }),
      receive('ACK'),
      isHungUp(),
    ),
    { isDeafInPauses: true },
  );
  line.say(CALLER_HZ);
  const call = await session.bridge(PHONES.first, identifier);
  const { text } = await sipp.message('received', /^INVITE/);
  expect(headerOf(text, 'Supported')).toContain('100rel');
  line.remote = mediaIn(text);
  const phone = await session.control.phone(PHONES.first);
  await expectHeard(() => levelHeard(phone, CALLER_HZ));
  await expectHeard(() => line.levelOf(TONES_HZ.first));
  await session.control.finish(call);
  await expectGood(sipp);
  const pracks = (await sipp.matching('received', /^PRACK/)).map((prack) => prack.text);
  expect(new Set(pracks).size).toBe(1);
  expect(headerOf(pracks[0] ?? '', 'RAck')).toBe(`7001 ${headerOf(text, 'CSeq')}`);
});

test('an UPDATE while it rings moves the media of a callee', async () => {
  const elsewhere = await MediaLine.open();
  try {
    const { sipp, line, identifier } = await session.callee(
      scenario(
        receiveInvite(),
        respondToInvite(183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 1'] }),
        receive('PRACK'),
        respond(200),
        calleeRequest('UPDATE', 1, { body: SDP.replace('[rtp_port]', '[other_port]') }),
        receive(200),
        respondToInvite(200, { retransmitted: true }),
        receive('ACK'),
        isHungUp(),
      ),
      { keys: { other_port: elsewhere.port } },
    );
    elsewhere.say(CALLER_HZ);
    const call = await session.bridge(PHONES.first, identifier);
    const updated = await sipp.message('received', /^SIP\/2.0 200/);
    elsewhere.remote = mediaIn(updated.text);
    const phone = await session.control.phone(PHONES.first);
    await expectHeard(() => levelHeard(phone, CALLER_HZ));
    await expectHeard(() => elsewhere.levelOf(TONES_HZ.first));
    expect(line.heard).toHaveLength(0);
    await session.control.finish(call);
    await expectGood(sipp);
  } finally {
    elsewhere.close();
  }
});

test('a caller may send UPDATE while it rings, but no second offer', async () => {
  const { sipp, user } = await session.caller(
    'application',
    scenario(
      invite({ body: SDP }),
      '<recv response="180" rrs="true"/>',
      callerRequest('UPDATE', 2),
      receive(200),
      callerRequest('UPDATE', 3, { body: SDP }),
      receive(500),
      receiveAnswer(),
      ack(),
      callerHangsUp(4),
    ),
  );
  const { text } = await sipp.message('received', /^SIP\/2.0 500/);
  expect(Number(headerOf(text, 'Retry-After'))).toBeLessThanOrEqual(10);
  const call = await session.answered(user);
  await session.control.next(call, 'CallDisconnected');
  await expectGood(sipp);
});

test('an INVITE without SDP is answered with an offer, and the answer in its ACK counts', async () => {
  const { sipp, line, user } = await session.caller(
    'application',
    scenario(
      invite(),
      receiveAnswer(),
      ack(1, { body: SDP }),
      untilTold('AGAIN'),
      callerRequest('INVITE', 2),
      receiveAnswer(),
      ack(2, { body: SDP }),
      untilTold('LEAVE'),
      callerHangsUp(3),
    ),
  );
  const call = await session.answered(user);
  const [offer = ''] = await answersIn(sipp);
  expect(offer).toContain('a=rtpmap:0 PCMU/8000');
  line.remote = mediaIn(offer);
  const recording = await session.record(call);
  await line.speak(CALLER_HZ, 700);
  // However soon the next offer is agreed, the two tones stand apart.
  await line.speak(0, 200);
  await sipp.tell('AGAIN');
  await sipp.message('sent', /^ACK/, 2);
  const [, again] = await answersIn(sipp);
  // The offer of a re-INVITE keeps what is agreed.
  expect(mediaIn(again ?? '')).toEqual(line.remote);
  await line.speak(CALLER_HZ, 500);
  await sipp.tell('LEAVE');
  await session.control.next(call, 'CallDisconnected');
  await expectGood(sipp);
  const spans = spansOf(await recording(), CALLER_HZ, AMPLITUDE);
  expect(spans).toHaveLength(2);
  [700, 500].forEach((ms, index) => {
    const span = spans[index];
    expect(Math.abs((span?.endMs ?? 0) - (span?.startMs ?? 0) - ms)).toBeLessThan(20);
  });
});

/** What SIPp's INVITEs were answered with. */
async function answersIn(sipp: SippPhone): Promise<readonly string[]> {
  const answers = await sipp.matching('received', /^SIP\/2.0 200/);
  return answers
    .map(({ text }) => text)
    .filter((text) => headerOf(text, 'CSeq').endsWith('INVITE'));
}
