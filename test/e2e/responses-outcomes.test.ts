import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FaultControl } from '../support/fault-control.ts';
import { mediaPrompt } from '../support/graph-session.ts';
import { PATIENCE, tonesHeard } from '../support/media-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { PromptServer } from '../support/prompt-server.ts';
import { BEEP_HZ } from '../support/beep-heard.ts';
import {
  type Asked,
  beepHeard,
  lateness,
  PROMPT_HZ,
  ResponseSession,
} from '../support/response-session.ts';

vi.setConfig({ testTimeout: 60_000 });

const VOICE_HZ = 600;
const LENGTH_TOLERANCE_MS = 40;
/** No public address, and not allowed here. */
const PRIVATE = '127.0.0.2';

const faults = new FaultControl();
let session: ResponseSession;

beforeAll(async () => {
  session = await ResponseSession.open(
    { 'inband-dtmf': 'always', 'allow-private-urls': ['127.0.0.1'] },
    { env: faults.environment },
  );
});

afterAll(async () => {
  await session.close();
  faults.close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const play = async ({ id }: Asked, body: Json): Promise<string> => {
  const played = await session.graph.post(`/communications/calls/${id}/playPrompt`, body);
  expect([played.status, played.body['status']]).toEqual([200, 'running']);
  return String(played.body['id']);
};

/** The end of an operation of any type: its sub-code. */
async function subcodeOf(operationId: string): Promise<unknown> {
  const { resourceData } = await session.graph.operationEnded(operationId);
  return (resourceData['resultInfo'] as Json)['subcode'];
}

test('a stop tone that is a sound is not in the file', async () => {
  const call = await session.call();
  const operationId = await session.ask(call, {
    stopTones: ['#'],
    maxRecordDurationInSeconds: 20,
  });
  const beepEndMs = await beepHeard(call.line);
  await call.line.speak(VOICE_HZ, 600);
  // Another key is a sound like any other.
  await call.line.pressAloud('5');
  await pause(300);
  const pressedMs = await call.line.pressAloud('#', 200);
  const { result, operation } = await session.ended(operationId);
  expect(result).toEqual(['completed', 200, 8514]);
  const recorded = await session.download(operation);
  const lengthMs = pressedMs - (beepEndMs - lateness(call.line, beepEndMs));
  expect(Math.abs(recorded.lengthMs - lengthMs)).toBeLessThanOrEqual(LENGTH_TOLERANCE_MS);
  expect(recorded.tones(VOICE_HZ)).toHaveLength(1);
  expect(recorded.tones(1_336)).toHaveLength(1);
  expect(recorded.tones(1_477)).toEqual([]);
  await session.graph.finish(call.id);
});

describe('the queue', () => {
  test('is pushed aside as a whole, what runs and what waits, whatever it is', async () => {
    const call = await session.call();
    const displaced = [
      await play(call, { prompts: [session.graph.prompt(PROMPT_HZ, 20_000)] }),
      await session.ask(call),
      await play(call, { prompts: [session.graph.prompt(PROMPT_HZ, 100)] }),
      await session.ask(call, { prompts: [session.graph.prompt(PROMPT_HZ, 100)] }),
    ];
    await expect.poll(() => call.line.levelOf(PROMPT_HZ), PATIENCE).toBeGreaterThan(-9);
    const last = await session.ask(call, { bargeInAllowed: true, maxRecordDurationInSeconds: 1 });
    for (const each of displaced) expect(await subcodeOf(each)).toBe(8508);
    await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 300);
    expect((await session.ended(last)).result).toEqual(['completed', 200, 8515]);
    // One prompt, one beep: nothing was heard of those that waited.
    expect(tonesHeard(call.line, PROMPT_HZ)).toHaveLength(1);
    await session.graph.finish(call.id);
  });

  test('takes 64 that wait; one more is refused, and each of them ends', async () => {
    const call = await session.call();
    const asked: string[] = [];
    for (let count = 0; count < 65; count += 1) asked.push(await session.ask(call));
    const path = `/communications/calls/${call.id}`;
    const refused = await session.graph.post(`${path}/recordResponse`, {});
    expect(refused.status).toBe(429);
    expect(refused.body['error']).toMatchObject({ code: '8589' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await session.graph.post(`${path}/cancelMediaProcessing`)).status).toBe(200);
    for (const each of asked) expect(await subcodeOf(each)).toBe(8508);
    const told = session.graph.told(call.id).filter((what) => what.includes('recordOperation'));
    expect(told).toHaveLength(65);
    await session.graph.finish(call.id);
  });
});

describe('a prompt', () => {
  test('at a private address is not fetched, nor when another address leads there', async () => {
    const inside = await PromptServer.open(PRIVATE);
    const call = await session.call();
    const { url } = inside.tone(PROMPT_HZ, 100);
    for (const uri of [url, session.graph.prompts.leadingTo(url).url, 'http://10.1.2.3/a.wav']) {
      const operationId = await session.ask(call, { prompts: [mediaPrompt(uri)] });
      expect((await session.ended(operationId)).result).toEqual(['failed', 400, 8536]);
    }
    expect(inside.asked).toEqual([]);
    expect(call.line.heard).toEqual([]);
    await session.graph.finish(call.id);
    inside.close();
  });

  test('that cannot be made ready by a fault of the server says so, and the next one can', async () => {
    const { prompts } = session.graph;
    const call = await session.call();
    // The worker is started for the first of them.
    const first = await play(call, { prompts: [session.graph.prompt(PROMPT_HZ, 100)] });
    expect(await subcodeOf(first)).toBe(0);
    const music = prompts.toneAsMp3(PROMPT_HZ, 500);
    await faults.doom('prompt');
    const broken = await session.ask(call, { prompts: [mediaPrompt(music.url)] });
    expect((await session.ended(broken)).result).toEqual(['failed', 500, 8511]);
    expect(tonesHeard(call.line, BEEP_HZ)).toEqual([]);
    const next = await session.ask(call, {
      prompts: [mediaPrompt(music.url)],
      maxRecordDurationInSeconds: 1,
    });
    await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 300);
    expect((await session.ended(next)).result).toEqual(['completed', 200, 8515]);
    await session.graph.finish(call.id);
  });
});
