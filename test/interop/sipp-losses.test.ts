import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PHONES, TONES_HZ } from '../support/control-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import {
  ack,
  ackRefusal,
  answer,
  call,
  calleeRequest,
  callerHangsUp,
  callerRequest,
  cancel,
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
  sdp,
  SDP,
  untilTold,
} from '../support/peers/sipp-scenario.ts';
import { headerOf, mediaIn, type SippPhone } from '../support/peers/sipp-phone.ts';
import { expectHeard, SippSession } from '../support/sipp-session.ts';

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

describe.concurrent('when messages are lost', () => {
  test('the 200 comes again until its ACK, and not after it', async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(
        invite({ body: SDP }),
        receiveAnswer(),
        // After 0.5 and 1.5 s it comes again.
        pause(2_400),
        ack(),
        // The next one would have been due 3.5 s after the first.
        pause(2_500),
        callerHangsUp(2),
      ),
    );
    await session.control.next(up, 'CallDisconnected');
    await expectGood(sipp);
    const messages = await sipp.messages();
    const acknowledged = messages.findIndex(({ start }) => start.startsWith('ACK'));
    const answers = messages.filter(
      ({ direction, start, text }) =>
        direction === 'received' &&
        start === 'SIP/2.0 200 OK' &&
        headerOf(text, 'CSeq') === '1 INVITE',
    );
    expect(answers.length).toBeGreaterThanOrEqual(3);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(messages.indexOf(answers.at(-1)!)).toBeLessThan(acknowledged);
  });

  test('each 200 of a callee that misses our ACK gets the same ACK again', async () => {
    const { sipp, call: up } = await session.outgoing(
      scenario(
        receiveInvite(),
        respondToInvite(200, { body: SDP }),
        receive('ACK'),
        respondToInvite(200, { body: SDP }),
        pause(300),
        respondToInvite(200, { body: SDP }),
        pause(300),
        isHungUp(),
      ),
      { isDeafInPauses: true },
    );
    await sipp.message('received', /^ACK/, 3);
    await session.control.finish(up);
    await expectGood(sipp);
    const acks = await sipp.matching('received', /^ACK/);
    expect(acks).toHaveLength(3);
    expect(new Set(acks.map(({ text }) => text)).size).toBe(1);
  });

  test('our BYE comes again until it is answered, and nobody waits for that', async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(call(), receive('BYE'), pause(2_400), respond(200), pause(3_000)),
    );
    await session.control.finish(up);
    await expectGood(sipp);
    const byes = await sipp.matching('received', /^BYE/);
    // At once, after 500 ms and after one second more.
    expect(byes.length).toBeGreaterThanOrEqual(3);
    expect(new Set(byes.map(({ text }) => text)).size).toBe(1);
    const [answered] = await sipp.matching('sent', /^SIP\/2.0 200/);
    expect(byes.filter(({ atMs }) => atMs > (answered?.atMs ?? 0) + 500)).toEqual([]);
  });

  test('a BYE that comes again, because our answer was lost, is answered again', async () => {
    const { sipp, call: up } = await session.incoming(
      scenario(
        call(),
        untilTold('LEAVE'),
        callerRequest('BYE', 2).replace(' retrans="500"', ''),
        pause(500),
        callerRequest('BYE', 2).replace('[branch]', '[branch-2]'),
        receive(200),
      ),
      { isDeafInPauses: true },
    );
    await sipp.tell('LEAVE');
    await session.control.next(up, 'CallDisconnected');
    await expectGood(sipp);
    const [first, second] = await sipp.matching('sent', /^BYE/);
    expect(second?.text).toBe(first?.text);
    expect(
      session.control.told(up).filter(({ type }) => type.endsWith('CallDisconnected')),
    ).toHaveLength(1);
  });
});

describe.concurrent('when messages cross', () => {
  test('a caller that cancels what was answered already is in the call all the same', async () => {
    const {
      sipp,
      line,
      call: up,
    } = await session.incoming(
      scenario(
        invite({ body: SDP }),
        mayReceive(180),
        receive(200).replace('/>', ' rrs="true"/>'),
        cancel(3),
        receive(200),
        ack(),
        untilTold('LEAVE'),
        callerHangsUp(2),
      ),
    );
    line.say(440);
    const { text } = await sipp.message('received', /^SIP\/2.0 200/, 2);
    expect(headerOf(text, 'CSeq')).toBe('1 CANCEL');
    const recording = await session.record(up);
    await line.speak(440, 400);
    await sipp.tell('LEAVE');
    await session.control.next(up, 'CallDisconnected');
    await expectGood(sipp);
    expect((await recording()).samples.some((sample) => sample > 10_000)).toBe(true);
  });

  test('a callee that answers what was cancelled is acknowledged and hung up', async () => {
    const { sipp, identifier } = await session.callee(
      scenario(
        receiveInvite(),
        respondToInvite(180),
        receive('CANCEL'),
        // The answer was on its way.
        respondToInvite(200, { body: SDP }),
        respond(200),
        receive('ACK'),
        isHungUp(),
      ),
    );
    const up = await session.dial(identifier);
    await sipp.message('sent', /^SIP\/2.0 180/);
    await session.control.sdk.call('hangUp', up.callConnectionId, true);
    const { data } = await session.control.next(up, 'CreateCallFailed');
    expect(data).toMatchObject({ resultInformation: { code: 487 } });
    await expectGood(sipp);
    const starts = (await sipp.messages()).map(({ direction, start }) => `${direction} ${start}`);
    expect(starts.filter((start) => start.startsWith('received BYE'))).toHaveLength(1);
    expect(session.control.told(up).some(({ type }) => type.endsWith('CallConnected'))).toBe(false);
  });

  test('a second phone that answers behind a proxy is acknowledged and hung up, the first stays', async () => {
    const other = respondToInvite(200, { body: SDP }).replace('[pid]s', 'other');
    const { sipp, call: up } = await session.outgoing(
      scenario(
        receiveInvite(),
        respondToInvite(200, { body: SDP }),
        receive('ACK'),
        other,
        receive('ACK'),
        isHungUp(),
        isHungUp(),
      ),
    );
    await sipp.message('received', /^BYE/);
    await session.control.finish(up);
    await expectGood(sipp);
    const tags = async (method: RegExp): Promise<readonly boolean[]> =>
      (await sipp.matching('received', method)).map(({ text }) =>
        headerOf(text, 'To').includes(';tag=other'),
      );
    expect(await tags(/^ACK/)).toEqual([false, true]);
    expect(await tags(/^BYE/)).toEqual([true, false]);
  });

  test('a caller that cancels while it rings is told so, and the application too late', async () => {
    const { sipp, user } = await session.caller(
      'application',
      scenario(
        invite({ body: SDP }),
        receive(180),
        untilTold('CANCELIT'),
        cancel(3),
        receive(200),
        receive(487),
        ackRefusal(6),
      ),
    );
    const context = await session.offered(user);
    await sipp.tell('CANCELIT');
    await expectGood(sipp);
    const { sdk, callback } = session.control;
    await expect(sdk.call('answerCall', context, callback)).rejects.toMatchObject({
      status: 404,
      code: '8522',
    });
    const { text } = await sipp.message('received', /^SIP\/2.0 487/);
    expect(headerOf(text, 'CSeq')).toBe('1 INVITE');
  });

  test('an offer that meets one of ours is refused with 491, and ours is made again', async () => {
    const { control } = session;
    const {
      sipp,
      line,
      call: from,
    } = await session.outgoing(
      scenario(
        answer(),
        receiveInvite(),
        calleeRequest('INVITE', 1, { body: sdp('sendrecv', '[media_ip]', 2) }),
        receive(491),
        calleeRequest('ACK', 1).replace('[branch]', '[branch-2]'),
        respondToInvite(491),
        receive('ACK'),
        receiveInvite(),
        respondToInvite(200, { body: SDP, retransmitted: true }),
        receive('ACK'),
        calleeRequest('INVITE', 2, { body: sdp('sendrecv', '[media_ip]', 2) }),
        receive(200),
        calleeRequest('ACK', 2),
        isHungUp(),
      ),
    );
    const to = await control.callTo(PHONES.first);
    await control.on(
      to,
      'moveParticipants',
      [{ id: `sip:sipp@127.0.0.1:${sipp.port}` }],
      from.callConnectionId,
    );
    const accepted = await sipp.message('received', /^SIP\/2.0 200/);
    line.remote = mediaIn(accepted.text);
    line.say(440);
    const phone = await control.phone(PHONES.first);
    await expectHeard(() => levelHeard(phone, 440));
    await expectHeard(() => line.levelOf(TONES_HZ.first));
    await control.finish(to);
    await expectGood(sipp);
    const [, refused, again] = await sipp.matching('received', /^INVITE/);
    // Whose Call-ID it is waits for 2.1 to 4 s (RFC 3261 §14.1).
    expect((again?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThan(2_000);
    expect(mediaIn(again?.text ?? '')).toEqual(mediaIn(refused?.text ?? ''));
  });
});
