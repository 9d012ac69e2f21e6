import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { PATIENCE } from '../support/media-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { beepHeard, PROMPT_HZ, ResponseSession } from '../support/response-session.ts';

// It starts a server twice; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const VOICE_HZ = 600;
const GRACE = '2s';

let dataDirectory: string;
let session: ResponseSession;
let filesBefore: readonly string[];

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'tapedeck-responses-'));
  const ports = {
    http: await freePort(),
    https: await freePort(),
    sip: await freePort(),
    management: await freePort(),
  };
  session = await ResponseSession.open(
    {},
    { dataDirectory, ports, flags: ['--response-grace', GRACE] },
  );
  filesBefore = files();
});
afterEach(async () => {
  await session.close();
  rmSync(dataDirectory, { recursive: true });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Every file of the server. */
function files(): readonly string[] {
  return readdirSync(dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Files that were not there before the first call, but for keys, which are made when they are needed: voices. */
function voices(): readonly string[] {
  const keys = join(dataDirectory, 'keys');
  return files().filter((path) => !filesBefore.includes(path) && dirname(path) !== keys);
}

/** Files of the server, the database's among them, that have this in their name or their content. */
function filesWith(text: unknown): readonly string[] {
  return files().filter(
    (path) => path.includes(String(text)) || readFileSync(path).includes(String(text)),
  );
}

/** What opens a response is nowhere on the disk, neither while it can be opened nor later. */
function expectNoToken({ id, recordingAccessToken }: Json): void {
  expect(filesWith(inCapitals(id)).length).toBeGreaterThan(0);
  expect(filesWith(recordingAccessToken)).toEqual([]);
}

const inCapitals = (id: unknown): string => String(id).replaceAll('-', '').toUpperCase();

async function expectGone(operation: Json): Promise<void> {
  await expect.poll(async () => (await session.open(operation)).status, PATIENCE).toBe(404);
  await expect.poll(voices, PATIENCE).toEqual([]);
  expectNoToken(operation);
}

describe('a kill', () => {
  test('in the middle of a response gives what was said, and then nothing is left of it', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, { maxRecordDurationInSeconds: 60 });
    await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 800);
    await pause(400);
    await session.graph.server.kill();
    await session.graph.restart();
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8588]);
    const [spoken, ...more] = (await session.download(operation)).tones(VOICE_HZ);
    expect(more).toEqual([]);
    expect(Math.abs((spoken?.endMs ?? 0) - (spoken?.startMs ?? 0) - 800)).toBeLessThanOrEqual(20);
    await session.graph.state(call.id, 'terminated');
    expect(session.graph.told(call.id).filter((what) => what.startsWith('deleted'))).toEqual([
      'deleted recordOperation',
      'deleted terminated',
    ]);
    await expectGone(operation);
  });

  test('before the beep is told to have ended it', async () => {
    const call = await session.call();
    const operationId = await session.ask(call, {
      prompts: [session.graph.prompt(PROMPT_HZ, 20_000)],
    });
    await expect.poll(() => call.line.levelOf(PROMPT_HZ), PATIENCE).toBeGreaterThan(-9);
    await session.graph.server.kill();
    await session.graph.restart();
    expect((await session.ended(operationId)).result).toEqual(['failed', 400, 8528]);
    await expect.poll(voices, PATIENCE).toEqual([]);
  });
});

test('a response is gone some time after its call, also where a kill came in between', async () => {
  const call = await session.call();
  const ask = async (): Promise<Json> => {
    const operationId = await session.ask(call, { maxRecordDurationInSeconds: 1 });
    await beepHeard(call.line);
    await call.line.speak(VOICE_HZ, 500);
    return (await session.ended(operationId)).operation;
  };
  const operation = await ask();
  // As long as the call is on, however long that is.
  await pause(2_500);
  expect((await session.open(operation)).status).toBe(200);
  expect(voices().length).toBeGreaterThan(0);
  expectNoToken(operation);
  const { recordingAccessToken } = operation;
  const other = await session.open({ ...operation, recordingAccessToken: 'other' });
  expect([other.status, recordingAccessToken === 'other']).toEqual([401, false]);
  await session.graph.finish(call.id);
  expect((await session.open(operation)).status).toBe(200);
  await session.graph.server.kill();
  await pause(2_000);
  await session.graph.restart();
  await expectGone(operation);
});
