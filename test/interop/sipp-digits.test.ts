import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TONES, type Tone } from '../../src/core/tone.ts';
import { TONE_NAMES } from '../../src/calls/media-operations/tone-names.ts';
import {
  call,
  callerRequest,
  isHungUp,
  receive,
  scenario,
  untilTold,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { SippSession, type SippCall } from '../support/sipp-session.ts';

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open();
});

afterAll(async () => {
  await session.close();
});

/** SIPp calls, is answered, does these steps, and is hung up. */
function incoming(...steps: readonly Step[]): Promise<SippCall> {
  return session.incoming(scenario(call(), ...steps, isHungUp()));
}

/** A key by SIP INFO. */
function info(cseq: number, contentType: string, body: string): Step {
  return [callerRequest('INFO', cseq, { contentType, body }), receive(200)].join('\n');
}

async function operate<T = unknown>(
  { call: { callConnectionId } }: SippCall,
  method: string,
  ...args: readonly unknown[]
): Promise<T> {
  return session.control.sdk.call<T>('media', callConnectionId, method, ...args);
}

/** Whom the call is with, as the application is to name them. */
async function participantOf({ call: { callConnectionId } }: SippCall): Promise<unknown> {
  const participants = await session.control.sdk.call<{ readonly identifier: unknown }[]>(
    'participants',
    callConnectionId,
  );
  expect(participants).toHaveLength(1);
  return participants[0]?.identifier;
}

async function listen(phone: SippCall): Promise<void> {
  await operate(phone, 'startContinuousDtmfRecognition', await participantOf(phone));
}

/** Waits for as many keys as expected, then ends the call: there were no others. */
async function expectTold(phone: SippCall, keys: readonly Tone[]): Promise<void> {
  const { control } = session;
  for (const key of keys) {
    const { data } = await control.next(phone.call, 'ContinuousDtmfRecognitionToneReceived');
    expect(data['tone']).toBe(TONE_NAMES[key]);
  }
  await control.finish(phone.call);
  const told = control
    .told(phone.call)
    .filter(({ type }) => type.endsWith('ContinuousDtmfRecognitionToneReceived'));
  expect(told.map(({ data }) => data['sequenceId'])).toEqual(keys.map((_, index) => index + 1));
  expect(await phone.sipp.finished()).toEqual({ code: 0, errors: '' });
}

describe.concurrent('a key', () => {
  test('of each kind by RFC 4733 is told of exactly once', async () => {
    const phone = await incoming();
    await listen(phone);
    for (const key of TONES) await phone.line.press(key);
    await expectTold(phone, TONES);
  });

  test('whose packets are lost, all but any one of them, or come three times, is one', async () => {
    const phone = await incoming();
    await listen(phone);
    // Seven packets: five updates, the last of which comes three times.
    for (let kept = 0; kept < 7; kept += 1) {
      await phone.line.press('5', { isLost: (index) => index !== kept });
    }
    await phone.line.press('6', { copies: 3 });
    await phone.line.press('6', { isLost: (_, isEnd) => isEnd });
    await phone.line.press('#', { isLost: (index) => index % 2 === 0, copies: 2 });
    await expectTold(phone, [...Array<Tone>(7).fill('5'), '6', '6', '#']);
  });

  test('that is held for eight seconds and a half, longer than an event can say, is one', async () => {
    const phone = await incoming();
    await listen(phone);
    await phone.line.press('9', { durationMs: 8_400 });
    await phone.line.press('1');
    await expectTold(phone, ['9', '1']);
  });

  test('by SIP INFO of either kind is told of, and what is no key is not', async () => {
    const phone = await incoming(
      untilTold('PRESS'),
      info(2, 'application/dtmf-relay', 'Signal=5\nDuration=160'),
      info(3, 'application/dtmf', '7'),
      info(4, 'application/dtmf-relay', 'Signal= *\nDuration= 250'),
      info(5, 'application/dtmf-relay', 'Signal=11\nDuration=100'),
      info(6, 'application/dtmf-relay', 'Signal=!\nDuration=100'),
      info(7, 'application/dtmf-relay', 'Signal=5\nDuration=160'),
    );
    await listen(phone);
    await phone.sipp.tell('PRESS');
    await expectTold(phone, ['5', '7', '*', '#', '5']);
  });

  test('that comes by RFC 4733 and by SIP INFO at once is one, pressed twice it is two', async () => {
    const press = (cseq: number): Step =>
      [
        untilTold(`PRESS${cseq}`),
        info(cseq, 'application/dtmf-relay', 'Signal=8\nDuration=100'),
      ].join('\n');
    const phone = await incoming(press(2), press(3));
    await listen(phone);
    for (const cseq of [2, 3]) {
      await Promise.all([phone.line.press('8'), phone.sipp.tell(`PRESS${cseq}`)]);
      await phone.sipp.message('received', /^SIP\/2.0 200/, cseq);
    }
    await phone.line.press('3');
    await expectTold(phone, ['8', '8', '3']);
  });

  test('is recognized up to the stop tone, by RFC 4733 and INFO in turn', async () => {
    const phone = await incoming(untilTold('PRESS'), info(2, 'application/dtmf', '2'));
    const { control } = session;
    await operate(phone, 'startRecognizing', await participantOf(phone), {
      kind: 'callMediaRecognizeDtmfOptions',
      maxTonesToCollect: 8,
      interToneTimeoutInSeconds: 20,
      initialSilenceTimeoutInSeconds: 20,
      stopDtmfTones: ['pound'],
      operationContext: 'menu',
    });
    await phone.line.press('1', { isLost: (_, isEnd) => !isEnd });
    await phone.sipp.tell('PRESS');
    await phone.sipp.message('received', /^SIP\/2.0 200/, 2);
    await phone.line.press('3');
    await phone.line.press('#');
    const { data } = await control.next(phone.call, 'RecognizeCompleted');
    expect(data).toMatchObject({
      operationContext: 'menu',
      recognitionType: 'dtmf',
      resultInformation: { code: 200, subCode: 8514 },
    });
    expect(data['dtmfResult']).toEqual({ tones: ['one', 'two', 'three'] });
    await control.finish(phone.call);
    expect(await phone.sipp.finished()).toEqual({ code: 0, errors: '' });
  });

  test('that the application sends reaches the phone as RFC 4733 packets', async () => {
    const phone = await incoming();
    const { control } = session;
    await operate(
      phone,
      'sendDtmfTones',
      ['one', 'one', 'zero', 'asterisk', 'pound', 'd'],
      await participantOf(phone),
      { operationContext: 'keys' },
    );
    const { data } = await control.next(phone.call, 'SendDtmfTonesCompleted');
    expect(data).toMatchObject({ operationContext: 'keys', resultInformation: { code: 200 } });
    await control.finish(phone.call);
    const heard = phone.line.keysHeard();
    expect(heard.map(({ key }) => key)).toEqual(['1', '1', '0', '*', '#', 'D']);
    for (const key of heard) {
      expect(key).toMatchObject({ ends: 3, durationMs: 100 });
      expect(key.packets).toBeGreaterThanOrEqual(4);
    }
    expect(await phone.sipp.finished()).toEqual({ code: 0, errors: '' });
  });
});
