import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PHONES } from '../support/control-session.ts';
import { headerOf, type SippPhone } from '../support/peers/sipp-phone.ts';
import {
  ack,
  ackRefusal,
  answer,
  call,
  callerRequest,
  invite,
  isHungUp,
  mayReceive,
  pause,
  receive,
  receiveAnswer,
  respond,
  scenario,
  SDP,
} from '../support/peers/sipp-scenario.ts';
import { SippSession } from '../support/sipp-session.ts';

/** How long a transaction waits for its other side (RFC 3261 §17), and what a busy machine may add. */
const WAIT_MS = 32_000;
const TIMEOUT = { timeout: 90_000 } as const;

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

// All of them wait most of the time: they do so together.
describe.concurrent('somebody who is waited for', () => {
  test('and never sends an ACK is hung up after 32 s', TIMEOUT, async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(invite({ body: SDP }), receiveAnswer(), isHungUp()),
    );
    await session.control.events.next('CallDisconnected', ofCall(up), 2 * WAIT_MS);
    await expectGood(sipp);
    const answers = await sipp.matching('received', /^SIP\/2.0 200[^]*^CSeq: 1 INVITE/m);
    const [bye] = await sipp.matching('received', /^BYE/);
    expect((bye?.atMs ?? 0) - (answers[0]?.atMs ?? 0)).toBeGreaterThan(WAIT_MS - 500);
    expect(headerOf(bye?.text ?? '', 'Reason')).toBe('SIP;cause=408;text="No ACK"');
    // After 0.5, 1.5, 3.5, 7.5 s, and then every 4 s.
    expect(answers.length).toBeGreaterThanOrEqual(9);
    expect(answers.length).toBeLessThanOrEqual(11);
  });

  test('and never sends the ACK of a re-INVITE is hung up as well', TIMEOUT, async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(call(), callerRequest('INVITE', 2, { body: SDP }), receiveAnswer(), isHungUp()),
    );
    await session.control.events.next('CallDisconnected', ofCall(up), 2 * WAIT_MS);
    await expectGood(sipp);
    const [bye] = await sipp.matching('received', /^BYE/);
    expect(headerOf(bye?.text ?? '', 'Reason')).toBe('SIP;cause=408;text="No ACK"');
  });

  test('and never sends a PRACK is refused with 504', TIMEOUT, async () => {
    const { sipp, user } = await session.caller(
      'application',
      scenario(
        invite({ body: SDP, headers: ['Require: 100rel'] }),
        receive(180),
        receive(504),
        ackRefusal(3),
        pause(100),
      ),
    );
    const context = await session.offered(user);
    await expectGood(sipp);
    const rings = await sipp.matching('received', /^SIP\/2.0 180/);
    const [refusal] = await sipp.matching('received', /^SIP\/2.0 504/);
    expect((refusal?.atMs ?? 0) - (rings[0]?.atMs ?? 0)).toBeGreaterThan(WAIT_MS - 500);
    // After 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    expect(rings.length).toBeGreaterThanOrEqual(6);
    expect(rings.length).toBeLessThanOrEqual(7);
    // Nobody can answer it any more.
    await expect(
      session.control.sdk.call('answerCall', context, session.control.callback),
    ).rejects.toMatchObject({ status: 404 });
  });

  test('and never answers our BYE is gone for the application at once', TIMEOUT, async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(call(), receive('BYE'), pause(WAIT_MS + 4_000)),
    );
    await session.control.finish(up);
    await expectGood(sipp);
    const byes = await sipp.matching('received', /^BYE/);
    const [first] = byes;
    // After 0.5, 1.5, 3.5, 7.5 s, and then every 4 s; none after 32 s.
    expect(byes.length).toBeGreaterThanOrEqual(9);
    expect(byes.length).toBeLessThanOrEqual(11);
    expect((byes.at(-1)?.atMs ?? 0) - (first?.atMs ?? 0)).toBeLessThan(WAIT_MS + 500);
  });

  test('and takes a REFER, but never notifies, has failed to transfer', TIMEOUT, async () => {
    const { sipp, call: up } = await session.outgoing(
      scenario(answer(), receive('REFER'), respond(202), isHungUp()),
    );
    await session.control.on(up, 'transferCallToParticipant', PHONES.second);
    const { data } = await session.control.events.next(
      'CallTransferFailed',
      ofCall(up),
      2 * WAIT_MS,
    );
    expect(data).toMatchObject({ resultInformation: { code: 408, subCode: 8544 } });
    await session.control.finish(up);
    await expectGood(sipp);
  });

  test(
    'and has left the refreshing of the session to us is refreshed in time',
    TIMEOUT,
    async () => {
      const { sipp, call: up } = await session.incoming(
        scenario(
          invite({ body: SDP, headers: ['Supported: timer', 'Session-Expires: 90;refresher=uas'] }),
          mayReceive(180),
          '<recv response="200" rrs="true"/>',
          ack(),
          receive('UPDATE'),
          respond(200, { headers: ['Require: timer', 'Session-Expires: 90;refresher=uac'] }),
          isHungUp(),
        ),
      );
      const { atMs, text } = await sipp.message('received', /^SIP\/2.0 200/);
      expect(headerOf(text, 'Session-Expires')).toBe('90;refresher=uas');
      const refreshed = await sipp.message('received', /^UPDATE/, 1, 60_000);
      expect(headerOf(refreshed.text, 'Session-Expires')).toBe('90;refresher=uac');
      // Half of what was agreed.
      expect(refreshed.atMs - atMs).toBeGreaterThan(44_500);
      await sipp.message('sent', /^SIP\/2.0 200/);
      await session.control.finish(up);
      await expectGood(sipp);
    },
  );
});

function ofCall(up: {
  readonly callConnectionId: string;
}): (event: { readonly data: Readonly<Record<string, unknown>> }) => boolean {
  return ({ data }) => data['callConnectionId'] === up.callConnectionId;
}
