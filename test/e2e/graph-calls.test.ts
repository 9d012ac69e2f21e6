import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BOT,
  BOT_NUMBER,
  BUSY,
  CALLEE,
  CALLEE_HZ,
  CALLER,
  CALLER_HZ,
  GraphSession,
  OTHER_BOT,
  SERVICE_HOSTED,
  SILENT,
  target,
  TENANT,
  THIRD,
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
      '@odata.id': `/communications/calls/${inCapitals(id)}`,
      state: 'incoming',
      direction: 'incoming',
      tenantId: TENANT,
      requestedModalities: ['audio'],
      source: { identity: { phone: { id: CALLER } } },
      targets: [{ identity: { application: { id: BOT.id }, phone: { id: BOT_NUMBER } } }],
    });
    const calls = `/communications/calls/${id}`;
    expect((await session.get(calls)).body).toMatchObject({ id, state: 'incoming' });
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
    const known = await session.get(`${calls}/operations/${String(operation)}`);
    expect(known.body).toMatchObject({ id: operation, status: 'completed' });

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

  test('ends for the bot when the caller hangs up', async () => {
    const { phone, id } = await session.answered();
    await phone.hangUp();
    const { changeType, resourceData } = await session.state(id, 'terminated');
    expect(changeType).toBe('deleted');
    expect(resourceData).toMatchObject({ resultInfo: { code: 200, subcode: 540_000 } });
    expect(session.told(id).at(-1)).toBe('deleted terminated');
    const gone = await session.post(`/communications/calls/${id}/keepAlive`);
    expect(gone.status).toBe(404);
    expect(gone.body).toMatchObject({ error: { code: '8522', message: 'Call not found.' } });
  });

  test('is taken back when the caller gives up', async () => {
    const { phone, id } = await session.incoming();
    await phone.hangUp();
    const { changeType, resourceData } = await session.state(id, 'terminated');
    expect(changeType).toBe('deleted');
    expect(resourceData).toMatchObject({ resultInfo: { code: 487, subcode: 8542 } });
    const late = await session.post(`/communications/calls/${id}/answer`, {
      mediaConfig: SERVICE_HOSTED,
    });
    expect(late.status).toBe(404);
  });

  test.each([
    ['none', 603],
    ['busy', 486],
    ['forbidden', 403],
  ])('is rejected: %s', async (reason, status) => {
    const { phone, id } = await session.incoming();
    const answer = await session.post(`/communications/calls/${id}/reject`, { reason });
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(await phone.ended).toMatchObject({ status });
    expect(await session.state(id, 'terminated')).toMatchObject({ changeType: 'deleted' });
  });

  test('is redirected to the first who accepts, without the bot', async () => {
    const { phone, id } = await session.incoming();
    const answer = await session.post(`/communications/calls/${id}/redirect`, {
      targets: [target(BUSY), target(CALLEE)],
      timeout: 30,
    });
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(await session.state(id, 'terminated')).toMatchObject({ changeType: 'deleted' });
    const callee = await session.phone(CALLEE);
    await expect.poll(() => levelHeard(phone, CALLEE_HZ), PATIENCE).toBeGreaterThan(-9);
    await expect.poll(() => levelHeard(callee, CALLER_HZ), PATIENCE).toBeGreaterThan(-9);
    expect((await session.get(`/communications/calls/${id}`)).status).toBe(404);
    await phone.hangUp();
    await callee.ended;
  });

  test('is answered once', async () => {
    const { id } = await session.answered();
    const again = await session.post(`/communications/calls/${id}/answer`, {
      mediaConfig: SERVICE_HOSTED,
    });
    expect(again.status).toBe(400);
    expect(again.body).toMatchObject({ error: { code: '8585' } });
    await session.finish(id);
  });

  test('is nobody’s but its bot’s', async () => {
    const { id } = await session.answered();
    const token = await session.tokenOf(OTHER_BOT);
    const path = `/communications/calls/${id}`;
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/keepAlive'],
      ['GET', '/participants'],
      ['POST', '/recordResponse'],
    ] as const) {
      expect((await session.request(method, path + rest, { token })).status).toBe(404);
    }
    expect(
      (await session.request('GET', '/communications/calls', { token })).body['value'],
    ).toEqual([]);
    const own = (await session.get('/communications/calls')).body['value'];
    expect(own).toMatchObject([{ id, state: 'established' }]);
    await session.finish(id);
  });
});

describe('a call that the bot makes', () => {
  test('is told of from its ringing to its end', async () => {
    const created = await session.create(CALLEE);
    expect(created.status).toBe(201);
    const id = String(created.body['id']);
    expect(created.headers.get('location')).toMatch(
      new RegExp(`/v1\\.0/communications/calls/${id}$`),
    );
    expect(created.body).toMatchObject({
      '@odata.type': '#microsoft.graph.call',
      state: 'establishing',
      direction: 'outgoing',
      callbackUri: `${session.hook.url}/callbacks`,
      source: { identity: { application: { id: BOT.id, displayName: BOT.name } } },
      targets: [{ identity: { phone: { id: CALLEE } } }],
      mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
      tenantId: TENANT,
    });
    await session.state(id, 'established');
    expect(await session.finish(id)).toEqual([
      'updated establishing',
      'updated established',
      'roster',
      'updated terminating',
      'deleted terminated',
    ]);
  });

  test.each([
    [BUSY, 486, 8539],
    ['+15559999', 404, 8543],
  ])('to %s fails with %i and %i', async (number, code, subcode) => {
    const id = String((await session.create(number)).body['id']);
    const { changeType, resourceData } = await session.state(id, 'terminated');
    expect(changeType).toBe('deleted');
    expect(resourceData).toMatchObject({ resultInfo: { code, subcode } });
  });

  test('is ended while it rings', async () => {
    const id = String((await session.create(SILENT)).body['id']);
    await session.state(id, 'establishing');
    expect((await session.request('DELETE', `/communications/calls/${id}`)).status).toBe(204);
    expect(await session.state(id, 'terminated')).toMatchObject({ changeType: 'deleted' });
  });

  test('has the media elsewhere: nothing is played or recorded here', async () => {
    const created = await session.post('/communications/calls', {
      callbackUri: `${session.hook.url}/callbacks`,
      targets: [target(THIRD)],
      mediaConfig: { '@odata.type': '#microsoft.graph.appHostedMediaConfig', blob: 'opaque' },
    });
    const id = String(created.body['id']);
    await session.state(id, 'established');
    const path = `/communications/calls/${id}`;
    for (const [action, body] of [
      ['playPrompt', { prompts: [session.prompt(PROMPT_HZ, 100)] }],
      ['recordResponse', {}],
      ['subscribeToTone', {}],
      ['cancelMediaProcessing', {}],
    ] as const) {
      const answer = await session.post(`${path}/${action}`, body);
      expect([answer.status, (answer.body['error'] as { code: string }).code]).toEqual([
        400,
        '8500',
      ]);
    }
    await session.finish(id);
  });
});

test('a notification is signed for its bot, as the published keys show', async () => {
  const { id, notification } = await session.incoming();
  const { http } = session.server.ready;
  const response = await fetch(`${http}/v1/.well-known/OpenIdConfiguration`);
  const document = (await response.json()) as {
    readonly issuer: string;
    readonly jwks_uri: string;
  };
  // The keys are where the document says, at the address that the test trusts.
  const keys = createRemoteJWKSet(new URL(new URL(document.jwks_uri).pathname, http));
  const authorization = notification.headers.authorization ?? '';
  const { payload } = await jwtVerify(authorization.replace('Bearer ', ''), keys, {
    issuer: 'https://api.botframework.com',
    audience: BOT.id,
  });
  expect(payload).toMatchObject({ tid: TENANT });
  expect(document.issuer).toBe('https://api.botframework.com');
  expect(notification.headers['scenario-id']).toBe(notification.resourceData['callChainId']);
  // It opens nothing here.
  const token = authorization.replace('Bearer ', '');
  const refused = await session.request('GET', `/communications/calls/${id}`, { token });
  expect(refused.status).toBe(401);
  await session.post(`/communications/calls/${id}/reject`);
  await session.state(id, 'terminated');
});

function inCapitals(id: unknown): string {
  return String(id).replaceAll('-', '').toUpperCase();
}
