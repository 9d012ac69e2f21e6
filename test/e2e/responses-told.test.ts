import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PATIENCE } from '../support/media-session.ts';
import { ResponseSession } from '../support/response-session.ts';
import { runCommand } from '../support/run-command.ts';

const VOICE_HZ = 600;

let session: ResponseSession;

beforeAll(async () => {
  session = await ResponseSession.open();
});

afterAll(() => session.close());

/** `tapedeck …`; what it prints. */
async function tapedeck(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(session.graph.server, words);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

type Listed = {
  readonly eventId: string;
  readonly subject: string;
  readonly deliveries: readonly { readonly state: string }[];
};

async function listed(operationId: string): Promise<Listed | undefined> {
  const all = JSON.parse(await tapedeck('events', 'list', '--json')) as readonly Listed[];
  const id = operationId.replaceAll('-', '').toUpperCase();
  return all.find(({ subject }) => subject.endsWith(`/operations/${id}`));
}

test('what became of a response is kept for a bot that does not take it, and told when that is asked', async () => {
  const { hook, server } = session.graph;
  const call = await session.call();
  await expect.poll(() => session.graph.told(call.id), PATIENCE).toContain('roster');
  const operationId = await session.ask(call, {
    playBeep: false,
    maxRecordDurationInSeconds: 1,
  });
  hook.answers.push(403);
  await call.line.speak(VOICE_HZ, 600);
  await expect.poll(() => hook.answers.length, PATIENCE).toBe(0);
  await expect
    .poll(async () => (await listed(operationId))?.deliveries[0]?.state, PATIENCE)
    .toBe('dead');
  expect(hook.received.some(({ resourceData }) => resourceData['id'] === operationId)).toBe(false);

  const { eventId = '' } = (await listed(operationId)) ?? {};
  expect(await tapedeck('events', 'redeliver', eventId)).toBe(
    'delivering again to 1 destination(s)\n',
  );
  const { result, operation } = await session.ended(operationId);
  expect(result).toEqual(['completed', 200, 8515]);
  expect((await session.download(operation)).tones(VOICE_HZ)).toHaveLength(1);

  // Neither the letter nor the list has what opens the recording.
  const token = String(operation['recordingAccessToken']);
  const letters = join(server.dataDirectory, 'dead-letters');
  const texts = readdirSync(letters, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(letters, name), 'utf8'));
  expect(texts).toHaveLength(1);
  for (const text of [...texts, await tapedeck('events', 'show', eventId)]) {
    expect(text).toContain(operationId);
    expect(text).not.toContain(token);
  }
  await session.graph.finish(call.id);
});
