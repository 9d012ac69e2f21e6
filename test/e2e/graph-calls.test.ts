import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BOT,
  BOT_NUMBER,
  CALLER,
  GraphSession,
  SERVICE_HOSTED,
  TENANT,
} from '../support/graph-session.ts';
import { PATIENCE } from '../support/media-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';

const PROMPT_HZ = 1_300;

let session: GraphSession;

beforeAll(async () => {
  session = await GraphSession.open();
});

afterAll(() => session.close());

describe('a call that comes in', () => {
  test('is offered to its bot, answered, spoken to, and ended by the bot', async () => {
    const { phone, id, notification } = await session.incoming();
    expect(notification.path).toBe('/incoming');
    expect(notification.resourceData).toMatchObject({
      '@odata.type': '#microsoft.graph.call',
      state: 'incoming',
      direction: 'incoming',
      tenantId: TENANT,
      source: { identity: { phone: { id: CALLER } } },
      targets: [{ identity: { application: { id: BOT.id }, phone: { id: BOT_NUMBER } } }],
    });
    const calls = `/communications/calls/${id}`;
    const answer = await session.post(`${calls}/answer`, {
      callbackUri: `${session.hook.url}/callbacks`,
      mediaConfig: SERVICE_HOSTED,
      acceptedModalities: ['audio'],
    });
    expect([answer.status, answer.text]).toEqual([202, '']);
    const established = await session.state(id, 'established');
    expect(established).toMatchObject({
      changeType: 'updated',
      path: '/callbacks',
      resourceData: { id, mediaState: { audio: 'active' } },
    });
    await phone.answered;

    const played = await session.post(`${calls}/playPrompt`, {
      clientContext: 'greeting',
      prompts: [session.prompt(PROMPT_HZ, 1_000)],
    });
    expect(played.status).toBe(200);
    expect(played.body).toMatchObject({
      '@odata.type': '#microsoft.graph.playPromptOperation',
      status: 'running',
      clientContext: 'greeting',
      resultInfo: null,
    });
    const { id: operation } = played.body;
    const location = played.headers.get('location');
    expect(location).toMatch(
      new RegExp(`^https://.*/v1\\.0${calls}/operations/${String(operation)}$`),
    );
    await expect.poll(() => levelHeard(phone, PROMPT_HZ), PATIENCE).toBeGreaterThan(-9);
    const { resourceData } = await session.operationEnded(operation);
    expect(resourceData).toMatchObject({
      '@odata.type': '#microsoft.graph.playPromptOperation',
      '@odata.id': `/communications/calls/${inCapitals(id)}/operations/${inCapitals(operation)}`,
      status: 'completed',
      clientContext: 'greeting',
      resultInfo: { code: 200, subcode: 0, message: 'Action completed successfully.' },
    });

    expect((await session.get(calls)).body).toMatchObject({ id, state: 'established' });
    expect(await session.finish(id)).toEqual([
      'created incoming',
      'updated establishing',
      'updated established',
      'roster',
      'deleted playPromptOperation',
      'updated terminating',
      'deleted terminated',
    ]);
    await phone.ended;
    expect((await session.get(calls)).status).toBe(404);
  });
});

function inCapitals(id: unknown): string {
  return String(id).replaceAll('-', '').toUpperCase();
}
