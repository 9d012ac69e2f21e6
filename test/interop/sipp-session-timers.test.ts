import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ack,
  callerHangsUp,
  callerRequest,
  calleeRequest,
  invite,
  isHungUp,
  mayReceive,
  pause,
  receive,
  receiveAnswer,
  receiveInvite,
  respond,
  respondToInvite,
  scenario,
  SDP,
  untilTold,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { headerOf, type SippPhone } from '../support/peers/sipp-phone.ts';
import { SippSession } from '../support/sipp-session.ts';

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open();
});

afterAll(async () => {
  await session.close();
});

const ALL_METHODS = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE';
const NO_UPDATE = 'Allow: INVITE, ACK, BYE, CANCEL';
/** Sessions end a third before they expire: after 6.7 s. */
const TEN_SECONDS = (refresher: 'uac' | 'uas'): string =>
  `Session-Expires: 10;refresher=${refresher}`;

/** SIPp answers with a session timer. */
function answerWith(...headers: readonly string[]): Step {
  return [
    receiveInvite(),
    respondToInvite(200, {
      retransmitted: true,
      body: SDP,
      headers: ['Supported: timer', 'Require: timer', ...headers],
    }),
    receive('ACK'),
  ].join('\n');
}

async function expectGood(sipp: SippPhone): Promise<void> {
  expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
}

describe.concurrent('a session timer', () => {
  test('that is too short for the callee is raised to what its 422 says', async () => {
    const { sipp, call } = await session.outgoing(
      scenario(
        receiveInvite(),
        respondToInvite(422, { headers: ['Min-SE: 2400'] }),
        receive('ACK'),
        answerWith('Session-Expires: 2400;refresher=uac', ALL_METHODS),
        isHungUp(),
      ),
    );
    await session.control.finish(call);
    await expectGood(sipp);
    const [first, second] = await sipp.matching('received', /^INVITE/);
    expect(headerOf(first?.text ?? '', 'Session-Expires')).toBe('1800');
    expect(headerOf(first?.text ?? '', 'Supported')).toContain('timer');
    expect(headerOf(second?.text ?? '', 'Session-Expires')).toBe('2400');
    expect(headerOf(second?.text ?? '', 'Min-SE')).toBe('2400');
    const cseqs = [first, second].map((one) => parseInt(headerOf(one?.text ?? '', 'CSeq'), 10));
    expect(cseqs[1]).toBe((cseqs[0] ?? 0) + 1);
  });

  test('that is too short for us is refused with the least that we take', async () => {
    const { sipp, user } = await session.caller(
      'application',
      scenario(
        invite({ body: SDP, headers: ['Supported: timer', 'Session-Expires: 30'] }),
        mayReceive(100),
        receive(422),
      ),
    );
    await expectGood(sipp);
    const { text } = await sipp.message('received', /^SIP\/2.0 422/);
    expect(headerOf(text, 'Min-SE')).toBe('90');
    const offered = session.control.events.received.filter(({ data }) =>
      JSON.stringify(data).includes(`sip:${user}@`),
    );
    expect(offered).toEqual([]);
  });

  test('that is ours to refresh is refreshed by UPDATE, again and again', async () => {
    const refreshed = [
      receive('UPDATE'),
      respond(200, { headers: ['Require: timer', TEN_SECONDS('uac')] }),
    ];
    const { sipp, call } = await session.outgoing(
      scenario(answerWith(TEN_SECONDS('uac'), ALL_METHODS), ...refreshed, ...refreshed, isHungUp()),
    );
    await sipp.message('received', /^UPDATE/, 2);
    await session.control.finish(call);
    await expectGood(sipp);
    for (const { text } of await sipp.matching('received', /^UPDATE/)) {
      expect(headerOf(text, 'Session-Expires')).toBe('10;refresher=uac');
      expect(headerOf(text, 'Content-Length')).toBe('0');
    }
  });

  test('that is ours is refreshed by re-INVITE with the same SDP where UPDATE is not allowed', async () => {
    const { sipp, call } = await session.outgoing(
      scenario(
        answerWith(TEN_SECONDS('uac'), NO_UPDATE),
        answerWith(TEN_SECONDS('uac'), NO_UPDATE),
        isHungUp(),
      ),
    );
    await sipp.message('received', /^ACK/, 2);
    await session.control.finish(call);
    await expectGood(sipp);
    const [first, again] = await sipp.matching('received', /^INVITE/);
    expect(bodyOf(again?.text)).toBe(bodyOf(first?.text));
    expect(bodyOf(again?.text)).toContain('m=audio');
  });

  test('that the far side refreshes goes on', async () => {
    const { sipp, call } = await session.outgoing(
      scenario(
        answerWith(TEN_SECONDS('uas'), ALL_METHODS),
        pause(3_000),
        calleeRequest('UPDATE', 1, {
          headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'],
        }),
        receive(200),
        // Longer than the first agreement would have lasted.
        pause(6_000),
        calleeRequest('OPTIONS', 2),
        receive(200),
        isHungUp(),
      ),
    );
    const { text } = await sipp.message('received', /^SIP\/2.0 200/);
    expect(headerOf(text, 'Session-Expires')).toBe('90;refresher=uac');
    expect(headerOf(text, 'Require')).toBe('timer');
    await sipp.message('received', /^SIP\/2.0 200/, 2);
    await session.control.finish(call);
    await expectGood(sipp);
  });

  test('that the far side does not refresh any more ends the call with BYE', async () => {
    const { sipp, call } = await session.outgoing(
      scenario(answerWith(TEN_SECONDS('uas'), ALL_METHODS), isHungUp()),
    );
    await session.control.next(call, 'CallDisconnected');
    await expectGood(sipp);
    const [bye] = await sipp.matching('received', /^BYE/);
    expect(headerOf(bye?.text ?? '', 'Reason')).toBe('SIP;cause=408;text="Session expired"');
    const [acknowledged] = await sipp.matching('received', /^ACK/);
    // Not before: two thirds of what was agreed.
    expect((bye?.atMs ?? 0) - (acknowledged?.atMs ?? 0)).toBeGreaterThan(6_000);
  });

  test('of a session that the far side has forgotten ends the call', async () => {
    const { sipp, call } = await session.outgoing(
      scenario(
        answerWith(TEN_SECONDS('uac'), ALL_METHODS),
        receive('UPDATE'),
        respond(481),
        pause(1_000),
      ),
    );
    await session.control.next(call, 'CallDisconnected');
    await expectGood(sipp);
    // Nobody is there to take a BYE.
    expect(await sipp.matching('received', /^BYE/)).toEqual([]);
  });

  test('is refreshed by a caller by re-INVITE, which changes nothing else', async () => {
    const headers = ['Supported: timer', 'Session-Expires: 95;refresher=uac'];
    const { sipp, call } = await session.incoming(
      scenario(
        invite({ body: SDP, headers }),
        receiveAnswer(),
        ack(),
        callerRequest('INVITE', 2, { body: SDP, headers }),
        receiveAnswer(),
        ack(2),
        isHungUp(),
      ),
    );
    await sipp.message('sent', /^ACK/, 2);
    await session.control.finish(call);
    await expectGood(sipp);
    const [first, again] = await sipp.matching('received', /^SIP\/2.0 200/);
    for (const answer of [first, again]) {
      expect(headerOf(answer?.text ?? '', 'Session-Expires')).toBe('95;refresher=uac');
      expect(headerOf(answer?.text ?? '', 'Require')).toBe('timer');
    }
    expect(bodyOf(again?.text)).toBe(bodyOf(first?.text));
  });

  test('is agreed with a caller, who may leave the refreshing to us', async () => {
    const { sipp, call } = await session.incoming(
      scenario(
        invite({
          body: SDP,
          headers: ['Supported: timer', 'Session-Expires: 120;refresher=uas'],
        }),
        mayReceive(180),
        '<recv response="200" rrs="true"/>',
        ack(),
        untilTold('LEAVE'),
        callerHangsUp(2),
      ),
    );
    const { text } = await sipp.message('received', /^SIP\/2.0 200/);
    expect(headerOf(text, 'Session-Expires')).toBe('120;refresher=uas');
    expect(headerOf(text, 'Require')).toBe('timer');
    await sipp.tell('LEAVE');
    await session.control.next(call, 'CallDisconnected');
    await expectGood(sipp);
  });
});

function bodyOf(text: string | undefined): string {
  return text?.slice(text.indexOf('\n\n')) ?? '';
}
