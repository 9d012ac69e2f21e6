import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type MediaCall,
  expectHeard,
  expectSilent,
  MediaSession,
  tonesHeard,
} from '../support/media-session.ts';

const PROMPT_HZ = 1_300;
/** Longer than any test waits. */
const LONG_SECONDS = 60;
const COMPLETED = 'RecognizeCompleted';
const FAILED = 'RecognizeFailed';

let session: MediaSession;

beforeAll(async () => {
  session = await MediaSession.open();
});

afterAll(() => session.close());

/** Keys of anna are wanted. */
function recognizeKeys(call: MediaCall, options: object): Promise<unknown> {
  return session.on(call, 'startRecognizing', session.phones.identifierOf('anna'), {
    kind: 'callMediaRecognizeDtmfOptions',
    operationContext: 'menu',
    initialSilenceTimeoutInSeconds: LONG_SECONDS,
    interToneTimeoutInSeconds: LONG_SECONDS,
    ...options,
  });
}

function recognizeChoice(call: MediaCall, options: object = {}): Promise<unknown> {
  return session.on(call, 'startRecognizing', session.phones.identifierOf('anna'), {
    kind: 'callMediaRecognizeChoiceOptions',
    operationContext: 'menu',
    initialSilenceTimeoutInSeconds: LONG_SECONDS,
    choices: [
      { label: 'Yes', phrases: ['yes'], tone: 'one' },
      { label: 'No', phrases: ['no'], tone: 'two' },
    ],
    ...options,
  });
}

/** The end of it, and nothing else, is told. */
async function ended(
  call: MediaCall,
  name: string,
  result: readonly [number, number],
): Promise<Readonly<Record<string, unknown>>> {
  const data = await session.told(call, name, result);
  expect(data['operationContext']).toBe('menu');
  expect(await session.finish(call)).toEqual([name]);
  return data;
}

describe('keys', () => {
  test('are recognized until there are as many as wanted, of the one who is asked', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    await recognizeKeys(call, { maxTonesToCollect: 3 });
    await bert!.line.press('9');
    for (const key of ['1', '*', 'D'] as const) await anna!.line.press(key);
    expect(await ended(call, COMPLETED, [200, 8531])).toMatchObject({
      recognitionType: 'dtmf',
      dtmfResult: { tones: ['one', 'asterisk', 'd'] },
    });
  });

  test('are recognized until the stop tone, which is not among them', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 8, stopDtmfTones: ['pound', 'asterisk'] });
    for (const key of ['4', '2', '#'] as const) await call.phones[0]!.line.press(key);
    expect(await ended(call, COMPLETED, [200, 8514])).toMatchObject({
      dtmfResult: { tones: ['four', 'two'] },
    });
  });

  test('that do not come fail, after the silence that is allowed', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 1, initialSilenceTimeoutInSeconds: 1 });
    await ended(call, FAILED, [400, 8510]);
  });

  test('of which the next one does not come fail', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 2, interToneTimeoutInSeconds: 1 });
    await call.phones[0]!.line.press('7');
    await ended(call, FAILED, [400, 8532]);
  });

  test('without any other end are those before a pause', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { interToneTimeoutInSeconds: 2 });
    for (const key of ['7', '8'] as const) await call.phones[0]!.line.press(key);
    expect(await ended(call, COMPLETED, [200, 8532])).toMatchObject({
      dtmfResult: { tones: ['seven', 'eight'] },
    });
  });

  test('count from the end of a prompt on that may not be interrupted', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const { line } = call.phones[0]!;
    const playPrompt = session.prompts.tone(PROMPT_HZ, 2_000);
    await recognizeKeys(call, { playPrompt, interruptPrompt: false, maxTonesToCollect: 1 });
    await expectHeard(line, PROMPT_HZ);
    await line.press('1');
    await expectSilent(line, PROMPT_HZ);
    // That all of it was sent is known a moment after the last of it was heard.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await line.press('2');
    expect(await ended(call, COMPLETED, [200, 8531])).toMatchObject({
      dtmfResult: { tones: ['two'] },
    });
  });

  test('interrupt a prompt that may be, and count', async () => {
    const call = await session.callTo(['anna']);
    const { line } = call.phones[0]!;
    const playPrompts = [
      session.prompts.tone(PROMPT_HZ, 5_000),
      session.prompts.tone(PROMPT_HZ, 5_000),
    ];
    await recognizeKeys(call, { playPrompts, interruptPrompt: true, maxTonesToCollect: 2 });
    await expectHeard(line, PROMPT_HZ);
    for (const key of ['1', '2'] as const) await line.press(key);
    expect(await ended(call, COMPLETED, [200, 8531])).toMatchObject({
      dtmfResult: { tones: ['one', 'two'] },
    });
    expect(lengthMs(tonesHeard(line, PROMPT_HZ))).toBeLessThan(5_000);
  });

  test('of somebody who leaves fail', async () => {
    const call = await session.callTo(['anna', 'bert']);
    await recognizeKeys(call, { maxTonesToCollect: 1 });
    await call.phones[0]!.hangUp();
    await ended(call, FAILED, [400, 8558]);
  });

  test('are not waited for any more when everything is cancelled', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 2 });
    await call.phones[0]!.line.press('1');
    await session.on(call, 'cancelAllOperations');
    await ended(call, 'RecognizeCanceled', [400, 8508]);
  });

  test('are waited for until the call ends', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 2 });
    expect(await session.finish(call)).toEqual([FAILED]);
    await session.told(call, FAILED, [400, 8528]);
  });

  test('are wanted of one participant by one recognition, unless the next one interrupts', async () => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { maxTonesToCollect: 1 });
    await expect(recognizeKeys(call, { maxTonesToCollect: 1 })).rejects.toMatchObject({
      status: 412,
      code: '8583',
    });
    const options = { maxTonesToCollect: 1, interruptCallMediaOperation: true };
    await recognizeKeys(call, { ...options, operationContext: 'again' });
    expect(await session.told(call, 'RecognizeCanceled', [400, 8508])).toMatchObject({
      operationContext: 'menu',
    });
    await call.phones[0]!.line.press('1');
    expect(await session.told(call, COMPLETED, [200, 8531])).toMatchObject({
      operationContext: 'again',
    });
    expect(await session.finish(call)).toEqual(['RecognizeCanceled', COMPLETED]);
  });
});

describe('a prompt before keys', () => {
  test.each([
    ['is not there', () => session.prompts.missing()],
    ['is no sound', () => session.prompts.noSound()],
  ])('that %s fails the recognition', async (_what, source) => {
    const call = await session.callTo(['anna']);
    await recognizeKeys(call, { playPrompt: source(), maxTonesToCollect: 1 });
    expect(await ended(call, FAILED, [500, 8511])).toMatchObject({ failedPlaySourceIndex: 0 });
  });
});

describe('a choice', () => {
  test('is made by its key, during its prompt', async () => {
    const call = await session.callTo(['anna']);
    const { line } = call.phones[0]!;
    await recognizeChoice(call, {
      playPrompt: session.prompts.tone(PROMPT_HZ, 5_000),
      interruptPrompt: true,
    });
    await expectHeard(line, PROMPT_HZ);
    await line.press('2');
    expect(await ended(call, COMPLETED, [200, 8533])).toMatchObject({
      recognitionType: 'choices',
      choiceResult: { label: 'No' },
    });
  });

  test('is not made by another key', async () => {
    const call = await session.callTo(['anna']);
    await recognizeChoice(call);
    await call.phones[0]!.line.press('3');
    await ended(call, FAILED, [400, 8534]);
  });

  test('is waited for as long as is allowed', async () => {
    const call = await session.callTo(['anna']);
    await recognizeChoice(call, { initialSilenceTimeoutInSeconds: 1 });
    await ended(call, FAILED, [400, 8510]);
  });
});

test('what only ears could recognize is refused, and says so', async () => {
  const call = await session.callTo(['anna']);
  const anna = session.phones.identifierOf('anna');
  for (const kind of ['callMediaRecognizeSpeechOptions', 'callMediaRecognizeSpeechOrDtmfOptions']) {
    await expect(session.on(call, 'startRecognizing', anna, { kind })).rejects.toMatchObject({
      status: 405,
      code: '8520',
      message: expect.stringContaining('Speech is not recognised') as unknown,
    });
  }
  expect(await session.finish(call)).toEqual([]);
});

function lengthMs(spans: ReturnType<typeof tonesHeard>): number {
  return spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}
