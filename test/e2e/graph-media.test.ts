import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ToneSpan } from '../../src/media/tone/tone-meter.ts';
import {
  CALLEE,
  GraphSession,
  mediaPrompt,
  SERVICE_HOSTED,
  THIRD,
} from '../support/graph-session.ts';
import { expectSilent, PATIENCE, tonesHeard } from '../support/media-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { type KeypadCall, KeypadPhones } from '../support/peers/keypad-phones.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';

const LOW_HZ = 700;
const HIGH_HZ = 1_300;
const SPEECH_HZ = 900;

let session: GraphSession;
let keypads: KeypadPhones;

beforeAll(async () => {
  session = await GraphSession.open();
  keypads = await KeypadPhones.open();
});

afterAll(async () => {
  await session.close();
  await keypads.close();
});

function lengthOf(spans: readonly ToneSpan[]): number {
  return spans.reduce((ms, { startMs, endMs }) => ms + endMs - startMs, 0);
}

/** A call of the bot to a phone with keys. */
async function keypadCall(name: string): Promise<{
  readonly id: string;
  readonly path: string;
  readonly phone: KeypadCall;
}> {
  const { id: address } = keypads.identifierOf(name);
  const created = await session.post('/communications/calls', {
    callbackUri: `${session.hook.url}/callbacks`,
    targets: [{ identity: { user: { id: address } } }],
    mediaConfig: SERVICE_HOSTED,
  });
  expect(created.status).toBe(201);
  const id = String(created.body['id']);
  await session.state(id, 'established');
  return { id, path: `/communications/calls/${id}`, phone: await keypads.call(name) };
}

/** Posts an operation that goes on after its answer; gives its id. */
async function begin(path: string, body: unknown): Promise<unknown> {
  const answer = await session.post(path, body);
  expect([answer.status, answer.body['status']]).toEqual([200, 'running']);
  return answer.body['id'];
}

/** What the notification of the end of an operation says. */
async function endOf(operation: unknown): Promise<Json> {
  return (await session.operationEnded(operation)).resourceData;
}

describe('prompts', () => {
  test('are heard one after the other, and each tells of its end', async () => {
    const { id, path, phone } = await keypadCall('anna');
    const first = await begin(`${path}/playPrompt`, {
      prompts: [session.prompt(LOW_HZ, 300), session.prompt(LOW_HZ, 300)],
    });
    const second = await begin(`${path}/microsoft.graph.playPrompt`, {
      prompts: [session.prompt(HIGH_HZ, 300)],
    });
    expect(await endOf(first)).toMatchObject({ status: 'completed' });
    expect(await endOf(second)).toMatchObject({ status: 'completed' });
    const highMs = (): number => lengthOf(tonesHeard(phone.line, HIGH_HZ));
    await expect.poll(highMs, PATIENCE).toBeGreaterThan(270);
    const [low] = tonesHeard(phone.line, LOW_HZ);
    const [high] = tonesHeard(phone.line, HIGH_HZ);
    expect(Math.abs(low!.endMs - low!.startMs - 600)).toBeLessThan(30);
    expect(high!.startMs).toBeGreaterThan(low!.endMs - 30);
    await session.finish(id);
  });

  test('are cancelled, those that wait too, and fall silent', async () => {
    const { id, path, phone } = await keypadCall('bert');
    const endless = await begin(`/beta${path}/playPrompt`, {
      prompts: [session.prompt(LOW_HZ, 200)],
      loop: true,
    });
    const waits = await begin(`${path}/playPrompt`, { prompts: [session.prompt(HIGH_HZ, 200)] });
    await expect.poll(() => phone.line.levelOf(LOW_HZ), PATIENCE).toBeGreaterThan(-9);
    const canceled = await session.post(`${path}/cancelMediaProcessing`, { clientContext: 'stop' });
    expect(canceled.body).toMatchObject({
      '@odata.type': '#microsoft.graph.cancelMediaProcessingOperation',
      status: 'completed',
      clientContext: 'stop',
    });
    for (const operation of [endless, waits]) {
      expect(await endOf(operation)).toMatchObject({
        status: 'failed',
        resultInfo: {
          code: 400,
          subcode: 8508,
          message: 'Action failed, the operation was cancelled.',
        },
      });
    }
    expect(tonesHeard(phone.line, HIGH_HZ)).toEqual([]);
    // What comes next is heard alone.
    await begin(`${path}/playPrompt`, { prompts: [session.prompt(HIGH_HZ, 1_000)] });
    await expect.poll(() => phone.line.levelOf(HIGH_HZ), PATIENCE).toBeGreaterThan(-9);
    await expectSilent(phone.line, LOW_HZ);
    await session.finish(id);
  });

  test('that cannot be had, or are no sound, say so when they fail', async () => {
    const { id, path } = await keypadCall('carl');
    for (const [source, subcode] of [
      [session.prompts.missing(), 8536],
      [session.prompts.noSound(), 8535],
    ] as const) {
      const operation = await begin(`${path}/playPrompt`, { prompts: [mediaPrompt(source.url)] });
      expect(await endOf(operation)).toMatchObject({
        status: 'failed',
        resultInfo: { code: 400, subcode },
      });
    }
    await session.finish(id);
  });

  test('fail with their call, before the end of that is told', async () => {
    const { id, path } = await keypadCall('dora');
    await begin(`/beta${path}/playPrompt`, { prompts: [session.prompt(LOW_HZ, 200)], loop: true });
    const told = await session.finish(id);
    expect(told.slice(-3)).toEqual([
      'deleted playPromptOperation',
      'updated terminating',
      'deleted terminated',
    ]);
  });
});

describe('keys', () => {
  test('are told of once the bot wants to hear of them, with a number each', async () => {
    const { id, path, phone } = await keypadCall('emil');
    const subscribed = await session.post(`${path}/subscribeToTone`, { clientContext: 'keys' });
    expect(subscribed.body).toMatchObject({
      '@odata.type': '#microsoft.graph.subscribeToToneOperation',
      status: 'completed',
      clientContext: 'keys',
    });
    for (const [sequenceId, [key, tone]] of [
      ['5', 'tone5'],
      ['#', 'pound'],
      ['*', 'star'],
    ].entries()) {
      await phone.line.press(key as '5');
      const told = await session.hook.next(`the key ${key}`, ({ resourceData }) => {
        const info = resourceData['toneInfo'] as Json | undefined;
        return resourceData['id'] === id && info?.['sequenceId'] === sequenceId + 1;
      });
      expect(told).toMatchObject({
        changeType: 'updated',
        resourceData: { state: 'established', toneInfo: { tone } },
      });
    }
    await session.finish(id);
  });

  test('are sent to the phone', async () => {
    const { id, path, phone } = await keypadCall('fred');
    const operation = await begin(`${path}/sendDtmfTones`, {
      tones: ['tone1', 'pound'],
      clientContext: 'pin',
    });
    expect(await endOf(operation)).toMatchObject({
      '@odata.type': '#microsoft.graph.sendDtmfTonesOperation',
      status: 'completed',
      clientContext: 'pin',
      completionReason: 'completedSuccessfully',
    });
    await expect
      .poll(() => phone.line.keysHeard().map(({ key }) => key), PATIENCE)
      .toEqual(['1', '#']);
    const slow = await begin(`${path}/sendDtmfTones`, {
      tones: ['tone2', 'tone3', 'star'],
      delayBetweenTonesMs: 400,
    });
    expect(await endOf(slow)).toMatchObject({ status: 'completed' });
    await expect.poll(() => phone.line.keysHeard().length, PATIENCE).toBe(5);
    const keys = phone.line.keysHeard().slice(2);
    expect(keys.map(({ key }) => key)).toEqual(['2', '3', '*']);
    keys.slice(1).forEach(({ startMs }, index) => {
      // A key of 100 ms, and the pause.
      expect(startMs - (keys[index]?.startMs ?? 0)).toBeGreaterThanOrEqual(499);
    });
    await session.finish(id);
  });
});

describe('a response', () => {
  test('is recorded after prompt and beep, told of, and downloaded with its token', async () => {
    const { id, path, phone } = await keypadCall('gina');
    const answer = await session.post(`${path}/recordResponse`, {
      bargeInAllowed: true,
      clientContext: 'order-4711',
      prompts: [session.prompt(LOW_HZ, 400)],
      maxRecordDurationInSeconds: 10,
      initialSilenceTimeoutInSeconds: 5,
      maxSilenceTimeoutInSeconds: 2,
      playBeep: true,
      stopTones: ['#', '1', '*'],
    });
    expect(answer.status).toBe(200);
    const operation = answer.body['id'];
    expect(answer.body).toEqual({
      '@odata.type': '#microsoft.graph.recordOperation',
      id: operation,
      status: 'running',
      resultInfo: null,
      recordingLocation: null,
      clientContext: 'order-4711',
    });
    expect(answer.headers.get('location')).toMatch(
      new RegExp(`^https://.*/v1\\.0${path}/operations/${String(operation)}$`),
    );
    await expect.poll(() => tonesHeard(phone.line, LOW_HZ).length, PATIENCE).toBe(1);
    await expectSilent(phone.line, LOW_HZ);
    await phone.line.speak(SPEECH_HZ, 1_500);
    await phone.line.press('#');
    const ended = await endOf(operation);
    expect(ended).toMatchObject({
      '@odata.type': '#microsoft.graph.recordOperation',
      status: 'completed',
      clientContext: 'order-4711',
      completionReason: 'stopToneDetected',
      resultInfo: {
        code: 200,
        subcode: 8514,
        message: 'Action completed as stop tone was detected.',
      },
    });
    const location = new URL(String(ended['recordingLocation']));
    expect(location.protocol).toBe('https:');
    const url = session.server.ready.http + location.pathname + location.search;
    const authorization = `Bearer ${String(ended['recordingAccessToken'])}`;
    const file = await fetch(url, { headers: { authorization } });
    expect(file.status).toBe(200);
    expect(file.headers.get('content-type')).toBe('application/octet-stream');
    const bytes = Buffer.from(await file.arrayBuffer());
    expect(bytes.subarray(0, 4).toString()).toBe('RIFF');
    expect((await fetch(url)).status).toBe(401);
    await session.finish(id);
    const after = await session.get(`${path}/operations/${String(operation)}`);
    expect(after.body).toMatchObject({ status: 'completed', recordingLocation: location.href });
  });

  test('of nobody who speaks fails', async () => {
    const { id, path } = await keypadCall('hans');
    const operation = await begin(`${path}/recordResponse`, {
      initialSilenceTimeoutInSeconds: 1,
      playBeep: false,
    });
    expect(await endOf(operation)).toMatchObject({
      status: 'failed',
      recordingLocation: '',
      recordingAccessToken: '',
      completionReason: 'initialSilenceTimeout',
      resultInfo: { code: 400, subcode: 8510 },
    });
    await session.finish(id);
  });

  test('is delivered when the caller hangs up in the middle, before the end of the call', async () => {
    const { id, path, phone } = await keypadCall('ilse');
    const operation = await begin(`${path}/recordResponse`, {
      playBeep: false,
      maxRecordDurationInSeconds: 60,
    });
    await phone.line.speak(SPEECH_HZ, 1_500);
    await phone.hangUp();
    expect(await endOf(operation)).toMatchObject({
      status: 'completed',
      resultInfo: { code: 200, subcode: 8588 },
    });
    await session.state(id, 'terminated');
    expect(session.told(id).slice(-2)).toEqual(['deleted recordOperation', 'deleted terminated']);
  });
});

test('a prompt is heard by everybody in the call', async () => {
  const id = await session.called(CALLEE, THIRD);
  const phones = await Promise.all([CALLEE, THIRD].map((number) => session.phone(number)));
  await Promise.all(phones.map((phone) => phone.answered));
  const operation = await begin(`/communications/calls/${id}/playPrompt`, {
    prompts: [session.prompt(HIGH_HZ, 1_500)],
  });
  for (const phone of phones) {
    await expect.poll(() => levelHeard(phone, HIGH_HZ), PATIENCE).toBeGreaterThan(-15);
  }
  expect(await endOf(operation)).toMatchObject({ status: 'completed' });
  await session.finish(id);
});
