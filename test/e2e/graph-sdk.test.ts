import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOT, GraphSession, SERVICE_HOSTED, TENANT } from '../support/graph-session.ts';
import { PATIENCE } from '../support/media-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { TokenSession } from '../support/token-session.ts';

const PROMPT_HZ = 1_300;
const NAME = 'bot';

let session: GraphSession;
let client: TokenSession;

beforeAll(async () => {
  session = await GraphSession.open();
  client = await TokenSession.open(session.server);
  await client.call('secret', NAME, {
    tenantId: TENANT,
    clientId: BOT.id,
    clientSecret: BOT.secret,
    authorityHost: session.server.ready.https,
  });
});

afterAll(async () => {
  client.close();
  await session.close();
});

function post(path: string, body?: unknown): Promise<Json> {
  return client.call<Json>('graphPost', NAME, session.server.ready.https, path, body);
}

test('a bot of the JavaScript SDK answers, speaks, records what it hears and hangs up', async () => {
  const { phone, id } = await session.incoming();
  const path = `/communications/calls/${id}`;
  await post(`${path}/answer`, {
    callbackUri: `${session.hook.url}/callbacks`,
    mediaConfig: SERVICE_HOSTED,
    acceptedModalities: ['audio'],
  });
  await session.state(id, 'established');
  const played = await post(`${path}/playPrompt`, {
    clientContext: 'greeting',
    prompts: [session.prompt(PROMPT_HZ, 1_000)],
  });
  expect(played).toMatchObject({ status: 'running', clientContext: 'greeting' });
  await expect.poll(() => levelHeard(phone, PROMPT_HZ), PATIENCE).toBeGreaterThan(-9);
  const recorded = await post(`${path}/recordResponse`, {
    bargeInAllowed: true,
    clientContext: 'answer',
    maxRecordDurationInSeconds: 2,
    initialSilenceTimeoutInSeconds: 5,
    maxSilenceTimeoutInSeconds: 2,
    playBeep: true,
    stopTones: ['#', '1', '*'],
  });
  expect(recorded).toMatchObject({ status: 'running', clientContext: 'answer' });
  // It pushes the greeting aside, and the phone speaks all the time.
  expect((await session.operationEnded(played['id'])).resourceData).toMatchObject({
    status: 'failed',
    resultInfo: { code: 400, subcode: 8508 },
  });
  const { resourceData } = await session.operationEnded(recorded['id']);
  expect(resourceData).toMatchObject({
    status: 'completed',
    resultInfo: {
      code: 200,
      subcode: 8515,
      message: 'Action completed, max record duration reached.',
    },
  });
  await client.call('graphDelete', NAME, session.server.ready.https, path);
  await session.state(id, 'terminated');
  await phone.ended;
});

test('the JavaScript SDK understands why it is refused', async () => {
  const { id, phone } = await session.answered();
  const refused = post(`/communications/calls/${id}/recordResponse`, {
    maxRecordDurationInSeconds: 121,
  });
  await expect(refused).rejects.toMatchObject({
    status: 400,
    code: '8523',
    message: expect.stringContaining('maxRecordDurationInSeconds') as string,
  });
  await session.finish(id);
  await phone.ended;
});
