import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MediaSession, PATIENCE } from '../support/media-session.ts';
import type { KeypadCall } from '../support/peers/keypad-phones.ts';

const RECEIVED = 'ContinuousDtmfRecognitionToneReceived';
const STOPPED = 'ContinuousDtmfRecognitionStopped';
const PROMPT_HZ = 1_300;

let session: MediaSession;

beforeAll(async () => {
  session = await MediaSession.open();
});

afterAll(() => session.close());

describe('keys of a participant', () => {
  test('are told of one by one from the start to the stop, beside a recognition', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    const target = session.phones.identifierOf('anna');
    await anna!.line.press('9');
    await session.on(call, 'startContinuousDtmfRecognition', target, { operationContext: 'begun' });
    await session.on(call, 'startRecognizing', target, {
      kind: 'callMediaRecognizeDtmfOptions',
      maxTonesToCollect: 1,
    });
    await bert!.line.press('8');
    await anna!.line.press('1');
    await anna!.line.press('#');
    expect(await session.told(call, RECEIVED, [200, 0])).toMatchObject({
      operationContext: 'begun',
      tone: 'one',
      sequenceId: 1,
    });
    expect(await session.told(call, RECEIVED, [200, 0])).toMatchObject({
      tone: 'pound',
      sequenceId: 2,
    });
    await session.on(call, 'stopContinuousDtmfRecognition', target, { operationContext: 'over' });
    expect(await session.told(call, STOPPED, [200, 0])).toMatchObject({ operationContext: 'over' });
    await anna!.line.press('2');
    expect(await session.finish(call)).toEqual([RECEIVED, 'RecognizeCompleted', RECEIVED, STOPPED]);
  });

  test('that nobody listens for can be stopped all the same, and is told', async () => {
    const call = await session.callTo(['anna']);
    const target = session.phones.identifierOf('anna');
    await session.on(call, 'stopContinuousDtmfRecognition', target);
    await session.told(call, STOPPED, [200, 0]);
    expect(await session.finish(call)).toEqual([STOPPED]);
  });

  test('that are listened for fail when the participant leaves', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const target = session.phones.identifierOf('anna');
    await session.on(call, 'startContinuousDtmfRecognition', target, { operationContext: 'begun' });
    await call.phones[0]!.hangUp();
    const failed = await session.told(call, 'ContinuousDtmfRecognitionToneFailed', [400, 8558]);
    expect(failed).toMatchObject({ operationContext: 'begun' });
    expect(await session.finish(call)).toEqual(['ContinuousDtmfRecognitionToneFailed']);
  });
});

describe('keys that are sent', () => {
  const heardBy = ({ line }: KeypadCall): string =>
    line
      .keysHeard()
      .map(({ key }) => key)
      .join('');

  test('are heard by that participant alone, each once, while a prompt plays to all', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    await session.on(call, 'playToAll', [session.prompts.tone(PROMPT_HZ, 200)], { loop: true });
    await session.told(call, 'PlayStarted', [200, 0]);
    const tones = ['one', 'one', 'zero', 'asterisk', 'pound', 'a'];
    const answer = await session.on(
      call,
      'sendDtmfTones',
      tones,
      session.phones.identifierOf('anna'),
      { operationContext: 'keys' },
    );
    expect(answer).toMatchObject({ operationContext: 'keys' });
    expect(await session.told(call, 'SendDtmfTonesCompleted', [200, 0])).toMatchObject({
      operationContext: 'keys',
    });
    await expect.poll(() => heardBy(anna!), PATIENCE).toBe('110*#A');
    expect(heardBy(bert!)).toBe('');
    await session.on(call, 'cancelAllOperations');
    await session.told(call, 'PlayCanceled', [400, 8508]);
    await session.finish(call);
  });

  test('to somebody to whom others are being sent are refused; cancelled ones fail', async () => {
    const call = await session.callTo(['anna']);
    const anna = session.phones.identifierOf('anna');
    const tones = Array<string>(18).fill('five');
    await session.on(call, 'sendDtmfTones', tones, anna, { operationContext: 'keys' });
    await expect(session.on(call, 'sendDtmfTones', ['one'], anna)).rejects.toMatchObject({
      status: 412,
      code: '8583',
    });
    await session.on(call, 'cancelAllOperations');
    await session.told(call, 'SendDtmfTonesFailed', [400, 8508]);
    // What was handed on goes out all the same.
    await expect.poll(() => heardBy(call.phones[0]!), PATIENCE).toBe('5'.repeat(18));
    expect(await session.finish(call)).toEqual(['SendDtmfTonesFailed']);
  });

  test('to somebody who leaves meanwhile fail', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const tones = Array<string>(18).fill('five');
    await session.on(call, 'sendDtmfTones', tones, session.phones.identifierOf('anna'));
    await call.phones[0]!.hangUp();
    await session.told(call, 'SendDtmfTonesFailed', [400, 8558]);
    expect(await session.finish(call)).toEqual(['SendDtmfTonesFailed']);
  });
});
