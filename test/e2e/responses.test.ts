import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaPrompt } from '../support/graph-session.ts';
import { BEEP_HZ } from '../support/beep-heard.ts';
import { tonesHeard } from '../support/media-session.ts';
import {
  type Asked,
  beepHeard,
  lateness,
  PROMPT_HZ,
  type Recorded,
  ResponseSession,
} from '../support/response-session.ts';

const VOICE_HZ = 600;
const PLACE_TOLERANCE_MS = 20;
const LENGTH_TOLERANCE_MS = 40;

let session: ResponseSession;

beforeAll(async () => {
  session = await ResponseSession.open();
});

afterAll(() => session.close());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the phone said is in the file where it said it, counted from the end of the beep. */
function expectSpoken(recorded: Recorded, { line }: Asked, beepEndMs: number): void {
  const startMs = beepEndMs - lateness(line, beepEndMs);
  const planned = line.spoken.map(({ fromMs, toMs }) => [fromMs - startMs, toMs - startMs]);
  const found = recorded.tones(VOICE_HZ);
  expect(found).toHaveLength(planned.length);
  found.forEach(({ startMs: foundMs, endMs }, index) => {
    const [from = NaN, to = NaN] = planned[index] ?? [];
    expect(Math.abs(foundMs - from)).toBeLessThanOrEqual(PLACE_TOLERANCE_MS);
    expect(Math.abs(endMs - Math.min(to, recorded.lengthMs))).toBeLessThanOrEqual(
      PLACE_TOLERANCE_MS,
    );
  });
  // The beep is not in it, nor anything else that was played.
  expect(recorded.tones(BEEP_HZ)).toEqual([]);
  expect(recorded.tones(PROMPT_HZ)).toEqual([]);
}

function expectLength(recorded: Recorded, lengthMs: number): void {
  expect(Math.abs(recorded.lengthMs - lengthMs)).toBeLessThanOrEqual(LENGTH_TOLERANCE_MS);
}

describe('a response', () => {
  test('of the longest duration is what was said from the end of the beep on', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, {
      prompts: [session.graph.prompt(PROMPT_HZ, 500)],
      maxRecordDurationInSeconds: 2,
      clientContext: 'order 4711',
    });
    const beepEndMs = await beepHeard(call.line);
    // The whole prompt, and then the beep.
    const [prompt] = tonesHeard(call.line, PROMPT_HZ);
    expect(Math.abs((prompt?.endMs ?? 0) - (prompt?.startMs ?? 0) - 500)).toBeLessThan(30);
    await pause(300);
    await call.line.speak(VOICE_HZ, 400);
    await pause(200);
    await call.line.speak(VOICE_HZ, 200);
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8515]);
    expect(operation['clientContext']).toBe('order 4711');
    const recorded = await session.download(operation);
    expectSpoken(recorded, call, beepEndMs);
    expect(recorded.lengthMs).toBe(2_000);
    await session.graph.finish(call.id);
  });

  test('ends when somebody who spoke says nothing more', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, {
      maxSilenceTimeoutInSeconds: 1,
      maxRecordDurationInSeconds: 20,
    });
    const beepEndMs = await beepHeard(call.line);
    await pause(500);
    await call.line.speak(VOICE_HZ, 300);
    await pause(600);
    await call.line.speak(VOICE_HZ, 300);
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8509]);
    const recorded = await session.download(operation);
    expectSpoken(recorded, call, beepEndMs);
    expectLength(recorded, (call.line.spoken.at(-1)?.toMs ?? 0) + 1_000 - beepEndMs);
    await session.graph.finish(call.id);
  });

  test('ends with the stop tone, which is not in it', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, {
      stopTones: ['#'],
      maxRecordDurationInSeconds: 20,
    });
    const beepEndMs = await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 600);
    await call.line.press('5');
    await pause(300);
    const pressedMs = performance.now();
    await call.line.press('#', { durationMs: 200 });
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8514]);
    const recorded = await session.download(operation);
    expectSpoken(recorded, call, beepEndMs);
    // Up to a packet until it is sent.
    expectLength(recorded, pressedMs + 10 - beepEndMs);
    await session.graph.finish(call.id);
  });

  test('fails when nobody speaks, and when nothing comes at all', async () => {
    const call = await session.call();
    const silent = await session.ask(call, { initialSilenceTimeoutInSeconds: 1 });
    expect((await session.ended(silent)).result).toEqual(['failed', 400, 8510]);
    const { remote } = call.line;
    call.line.remote = undefined;
    const dead = await session.ask(call, { initialSilenceTimeoutInSeconds: 1 });
    const { result, operation } = await session.ended(dead);
    expect(result).toEqual(['failed', 500, 8513]);
    expect(operation['recordingLocation']).toBe('');
    call.line.remote = remote;
    await session.graph.finish(call.id);
  });

  test('of which the rest never arrives is kept', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, {
      maxSilenceTimeoutInSeconds: 1,
      maxRecordDurationInSeconds: 20,
    });
    await beepHeard(call.line);
    void call.line.speak(VOICE_HZ, 4_000);
    await pause(800);
    call.line.remote = undefined;
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8588]);
    const [spoken] = (await session.download(operation)).tones(VOICE_HZ);
    expect((spoken?.endMs ?? 0) - (spoken?.startMs ?? 0)).toBeGreaterThan(600);
    await session.graph.finish(call.id);
  });

  test('of a caller who hangs up in the middle is delivered before the end of the call', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, { maxRecordDurationInSeconds: 20 });
    const beepEndMs = await beepHeard(call.line);
    void call.line.speak(VOICE_HZ, 4_000);
    await pause(1_000);
    const hungUpMs = performance.now();
    await call.hangUp();
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8588]);
    const recorded = await session.download(operation);
    expect(recorded.tones(VOICE_HZ)).toHaveLength(1);
    expect(recorded.lengthMs).toBeGreaterThan(hungUpMs - beepEndMs - 200);
    await session.graph.state(call.id, 'terminated');
    expect(session.graph.told(call.id).filter((what) => what.startsWith('deleted'))).toEqual([
      'deleted recordOperation',
      'deleted terminated',
    ]);
  });

  test('of a caller who hangs up before a word fails', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, { maxRecordDurationInSeconds: 20 });
    await beepHeard(call.line);
    await call.hangUp();
    expect((await session.ended(operationId)).result).toEqual(['failed', 400, 8528]);
  });

  test('is cancelled with what waits behind it, and pushed aside by one that may', async () => {
    const call = await session.call();
    const [first, second] = [await session.ask(call), await session.ask(call)];
    await beepHeard(call.line);
    const cancel = await session.graph.post(
      `/communications/calls/${call.id}/cancelMediaProcessing`,
      {},
    );
    expect(cancel.status).toBe(200);
    for (const each of [first, second]) {
      const { result, operation } = await session.ended(each);
      expect(result).toEqual(['failed', 400, 8508]);
      expect(operation['recordingLocation']).toBe('');
    }
    const third = await session.ask(call);
    const before = call.line.heard.length;
    const last = await session.ask(call, { bargeInAllowed: true, maxRecordDurationInSeconds: 1 });
    expect((await session.ended(third)).result).toEqual(['failed', 400, 8508]);
    await beepHeard(call.line, before);
    await call.line.speak(VOICE_HZ, 500);
    expect((await session.ended(last)).result).toEqual(['completed', 200, 8515]);
    await session.graph.finish(call.id);
  });

  test('says what was wrong with its prompt', async () => {
    const call = await session.call();
    const { prompts } = session.graph;
    const missing = await session.ask(call, { prompts: [mediaPrompt(prompts.missing().url)] });
    const noSound = await session.ask(call, { prompts: [mediaPrompt(prompts.noSound().url)] });
    expect((await session.ended(missing)).result).toEqual(['failed', 400, 8536]);
    expect((await session.ended(noSound)).result).toEqual(['failed', 400, 8535]);
    await session.graph.finish(call.id);
  });

  test('has a prompt that a stop tone ends, and no beep where none is wanted', async () => {
    const call = await session.call();
    const skipped = await session.ask(call, {
      prompts: [session.graph.prompt(PROMPT_HZ, 10_000)],
      stopTones: ['*'],
      maxRecordDurationInSeconds: 1,
    });
    await expect.poll(() => tonesHeard(call.line, PROMPT_HZ).length).toBe(1);
    await call.line.press('*');
    const beepEndMs = await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 500);
    const { result, operation } = await session.ended(skipped);
    expect(result).toEqual(['completed', 200, 8515]);
    expectSpoken(await session.download(operation), call, beepEndMs);

    const heard = call.line.heard.length;
    const plain = await session.ask(call, { playBeep: false, maxRecordDurationInSeconds: 1 });
    await call.line.speak(VOICE_HZ, 300);
    expect((await session.ended(plain)).result).toEqual(['completed', 200, 8515]);
    expect(call.line.heard).toHaveLength(heard);
    await session.graph.finish(call.id);
  });
});
