import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUSY, PHONES, TONES_HZ } from '../support/control-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { headerOf, mediaIn, type SippPhone } from '../support/peers/sipp-phone.ts';
import {
  answer,
  call,
  calleeRequest,
  callerHangsUp,
  callerRequest,
  isHungUp,
  notifiedUntil,
  pause,
  receive,
  respond,
  scenario,
  untilTold,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { expectHeard, SippSession, type SippCall } from '../support/sipp-session.ts';

const { first, second } = PHONES;

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open({
    routes: [{ to: '^\\+1555030\\d$', action: 'registered', record: {} }],
  });
});

afterAll(async () => {
  await session.close();
});

async function expectGood(sipp: SippPhone): Promise<void> {
  expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
}

/** What a NOTIFY says: status line of its body, and state of the subscription. */
function noticeOf(text: string): string {
  const status = /^SIP\/2.0 (.*)$/m.exec(text.slice(text.indexOf('\n\n')))?.[1] ?? '';
  const [state = ''] = headerOf(text, 'Subscription-State').split(';');
  return `${state} ${status.trim()}`;
}

describe('a phone that transfers', () => {
  /** SIPp is put through to the first phone, and sends it on to `target`. */
  async function transfer(
    target: string,
    ...then: readonly Step[]
  ): Promise<{ readonly sipp: SippPhone }> {
    const { sipp, line } = await session.caller(
      first.phoneNumber,
      scenario(
        call(),
        untilTold('TRANSFER'),
        callerRequest('REFER', 2, {
          headers: [`Refer-To: <sip:${target}@[remote_ip]:[remote_port]>`],
        }),
        receive(202),
        ...then,
      ),
    );
    line.remote = mediaIn((await sipp.message('received', /^SIP\/2.0 200/)).text);
    line.say(440);
    const phone = await session.control.phone(first);
    await expectHeard(() => levelHeard(phone, 440));
    await sipp.tell('TRANSFER');
    return { sipp };
  }

  test('is told of the progress and may go: the other two talk to each other', async () => {
    const { sipp } = await transfer(second.phoneNumber, notifiedUntil('BYE'), respond(200));
    await expectGood(sipp);
    const notices = (await sipp.matching('received', /^NOTIFY/)).map(({ text }) => text);
    expect(notices.map(noticeOf).filter((notice) => notice !== 'active 180 Ringing')).toEqual([
      'active 100 Trying',
      'terminated 200 OK',
    ]);
    for (const text of notices) {
      expect(headerOf(text, 'Event')).toMatch(/^refer/);
      expect(headerOf(text, 'Content-Type')).toBe('message/sipfrag;version=2.0');
    }
    const [one, other] = [await session.control.phone(first), await session.control.phone(second)];
    await expectHeard(() => levelHeard(one, TONES_HZ.second));
    await expectHeard(() => levelHeard(other, TONES_HZ.first));
    await one.hangUp();
    const { data } = await session.control.events.next('RecordingFileStatusUpdated');
    expect(data).toMatchObject({ sessionEndReason: 'CallEnded' });
  });

  test('may hang up at once: the target rings all the same', async () => {
    const { sipp } = await transfer(
      second.phoneNumber,
      receive('NOTIFY'),
      respond(200),
      callerRequest('BYE', 3),
      notifiedUntil('LEAVE'),
    );
    const one = await session.control.phone(first);
    await expect
      .poll(() => session.control.callsOf(second), { timeout: 10_000 })
      .toBeGreaterThan(1);
    await expectHeard(() => levelHeard(one, TONES_HZ.second));
    await one.hangUp();
    await session.control.events.next('RecordingFileStatusUpdated');
    await sipp.close();
  });

  test('is told that the target is busy, and its call goes on', async () => {
    const { sipp } = await transfer(BUSY.phoneNumber, notifiedUntil('LEAVE'), callerHangsUp(3));
    const last = await sipp.message('received', /^NOTIFY[^]*^Subscription-State: terminated/m);
    expect(noticeOf(last.text)).toBe('terminated 486 Busy Here');
    const one = await session.control.phone(first);
    await expectHeard(() => levelHeard(one, 440));
    await sipp.tell('LEAVE');
    await expectGood(sipp);
    await session.control.events.next('RecordingFileStatusUpdated');
  });
});

describe('a phone that is transferred', () => {
  /** A NOTIFY about the REFER, by the callee. */
  function notify(cseq: number, status: string, state = 'active;expires=60'): Step {
    return [
      calleeRequest('NOTIFY', cseq, {
        headers: ['Event: refer', `Subscription-State: ${state}`],
        contentType: 'message/sipfrag;version=2.0',
        body: `SIP/2.0 ${status}`,
      }),
      receive(200),
    ].join('\n');
  }

  const ENDED = 'terminated;reason=noresource';

  /** The application sends SIPp to the second phone. */
  async function transfer(...steps: readonly Step[]): Promise<SippCall> {
    const up = await session.outgoing(scenario(answer(), receive('REFER'), ...steps));
    const result = await session.control.on(up.call, 'transferCallToParticipant', second, {
      operationContext: 'on',
    });
    expect(result).toMatchObject({ operationContext: 'on' });
    return up;
  }

  test('tells of the progress, and CallTransferAccepted ends the call', async () => {
    const up = await transfer(
      respond(202),
      notify(1, '100 Trying'),
      notify(2, '200 OK', ENDED),
      isHungUp(),
    );
    const { data } = await session.control.next(up.call, 'CallTransferAccepted');
    expect(data).toMatchObject({
      operationContext: 'on',
      resultInformation: { code: 200, subCode: 0 },
      transferTarget: { rawId: `4:${second.phoneNumber}` },
    });
    await session.control.next(up.call, 'CallDisconnected');
    await expectGood(up.sipp);
    const [refer] = await up.sipp.matching('received', /^REFER/);
    const server = session.control.server.ready.sip.replace('sip:', '');
    expect(headerOf(refer?.text ?? '', 'Refer-To')).toBe(`<sip:${second.phoneNumber}@${server}>`);
    await session.control.parsed(up.call);
  });

  test.each([
    ['is busy', notify(1, '486 Busy Here', ENDED), { code: 486, subCode: 8539 }],
    ['declines', notify(1, '603 Decline', ENDED), { code: 603, subCode: 8538 }],
    ['is nowhere', notify(1, '404 Not Found', ENDED), { code: 404, subCode: 8543 }],
    [
      'does not say',
      notify(1, '100 Trying', 'terminated;reason=timeout'),
      { code: 480, subCode: 8541 },
    ],
  ])(
    'whose target %s is told of by CallTransferFailed, and its call goes on',
    async (_, told, result) => {
      const up = await transfer(respond(202), told, isHungUp());
      const { data } = await session.control.next(up.call, 'CallTransferFailed');
      expect(data).toMatchObject({ operationContext: 'on', resultInformation: result });
      await session.control.finish(up.call);
      await expectGood(up.sipp);
      expect(
        session.control.told(up.call).some(({ type }) => type.endsWith('CallTransferAccepted')),
      ).toBe(false);
    },
  );

  test.each([405, 603])('and answers REFER with %i is put through by us', async (status) => {
    const up = await transfer(respond(status), isHungUp());
    up.line.say(440);
    const { data } = await session.control.next(up.call, 'CallTransferAccepted');
    expect(data).toMatchObject({ resultInformation: { code: 200 } });
    const phone = await session.control.phone(second);
    await expectHeard(() => levelHeard(phone, 440));
    await expectHeard(() => up.line.levelOf(TONES_HZ.second));
    await phone.hangUp();
    await expectGood(up.sipp);
  });

  test('and refuses REFER otherwise stays where it is', async () => {
    const up = await transfer(respond(486), pause(10), isHungUp());
    const { data } = await session.control.next(up.call, 'CallTransferFailed');
    expect(data).toMatchObject({ resultInformation: { code: 486 } });
    await session.control.finish(up.call);
    await expectGood(up.sipp);
  });
});
