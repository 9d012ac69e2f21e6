import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { adminRequest } from '../support/admin-client.ts';
import { CALLEE, GraphSession, SERVICE_HOSTED } from '../support/graph-session.ts';
import { PATIENCE } from '../support/media-session.ts';

// It starts a server twice, or waits for a retry; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const PROMPT_HZ = 1_300;

let dataDirectory: string;
let session: GraphSession;

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'tapedeck-notifications-'));
  session = await GraphSession.open({}, { dataDirectory });
});

afterEach(async () => {
  await session.close();
  rmSync(dataDirectory, { recursive: true });
});

type AdminEvent = {
  readonly eventId: string;
  readonly kind: string;
  readonly subject: string;
  readonly deliveries: readonly { readonly state: string }[];
};

/** Notifications of a call as the administrator sees them. */
async function listed(id: string, state: string): Promise<readonly AdminEvent[]> {
  const { value } = (await adminRequest(session.server, 'GET', '/admin/events')) as {
    readonly value: readonly AdminEvent[];
  };
  const url = `/communications/calls/${id.replaceAll('-', '').toUpperCase()}`;
  return value.filter(
    ({ kind, subject, deliveries }) =>
      kind === 'notification' && subject.startsWith(url) && deliveries[0]?.state === state,
  );
}

test('a kill ends calls and what goes on in them, and bots hear of it after the restart, once', async () => {
  const up = await session.called(CALLEE);
  const playing = await session.post(`/beta/communications/calls/${up}/playPrompt`, {
    prompts: [session.prompt(PROMPT_HZ, 500)],
    loop: true,
    clientContext: 'cut off',
  });
  const phone = await session.phone(CALLEE);
  const offered = await session.incoming();
  await session.server.kill();
  await session.restart();
  const { resourceData } = await session.operationEnded(playing.body['id']);
  expect(resourceData).toMatchObject({
    '@odata.type': '#microsoft.graph.playPromptOperation',
    status: 'failed',
    clientContext: 'cut off',
  });
  for (const id of [up, offered.id]) {
    expect(await session.state(id, 'terminated')).toMatchObject({
      changeType: 'deleted',
      resourceData: { resultInfo: { code: 500 } },
    });
    expect((await session.get(`/communications/calls/${id}`)).status).toBe(404);
  }
  await phone.ended;
  expect(session.told(up)).toEqual([
    'updated establishing',
    'updated established',
    'roster',
    'deleted playPromptOperation',
    'deleted terminated',
  ]);
  expect(session.told(offered.id)).toEqual(['created incoming', 'deleted terminated']);
});

test('what a bot does not take is sent again, and what follows waits for it', async () => {
  const id = await session.called(CALLEE);
  await expect.poll(() => session.told(id), PATIENCE).toContain('roster');
  session.hook.answers.push(500);
  const path = `/communications/calls/${id}`;
  const played = await session.post(`${path}/playPrompt`, {
    prompts: [session.prompt(PROMPT_HZ, 100)],
  });
  await expect.poll(() => session.hook.answers.length, { timeout: 20_000, interval: 50 }).toBe(0);
  expect((await session.request('DELETE', path)).status).toBe(204);
  await session.hook.next(
    'the end of the call',
    ({ resourceData }) => resourceData['id'] === id && resourceData['state'] === 'terminated',
    60_000,
  );
  expect(session.told(id).slice(-3)).toEqual([
    'deleted playPromptOperation',
    'updated terminating',
    'deleted terminated',
  ]);
  expect((await session.operationEnded(played.body['id'])).resourceData).toMatchObject({
    status: 'completed',
  });
});

test('what a bot refuses for good is listed, and can be sent again', async () => {
  session.hook.answers.push(403);
  const phone = await session.phones.call({ phone: '+15550401', to: '+15550400' });
  await expect.poll(() => session.hook.answers.length, PATIENCE).toBe(0);
  const calls = async (): Promise<readonly { readonly id: string }[]> =>
    (await session.get('/communications/calls')).body['value'] as readonly { id: string }[];
  await expect.poll(async () => (await calls()).length, PATIENCE).toBe(1);
  const id = (await calls())[0]?.id ?? '';
  await expect.poll(async () => (await listed(id, 'dead')).length, PATIENCE).toBe(1);
  const [dead] = await listed(id, 'dead');
  await adminRequest(session.server, 'POST', `/admin/events/${dead?.eventId}/redeliver`);
  expect(await session.state(id, 'incoming')).toMatchObject({ changeType: 'created' });
  const answer = await session.post(`/communications/calls/${id}/answer`, {
    mediaConfig: SERVICE_HOSTED,
  });
  expect(answer.status).toBe(202);
  // It named no callback of its own: the application's is used.
  expect(await session.state(id, 'established')).toMatchObject({ path: '/incoming' });
  await session.finish(id);
  await phone.ended;
});
