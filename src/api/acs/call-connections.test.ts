import { describe, expect, test } from 'vitest';
import {
  ApiHarness,
  CREATE_BODY,
  errorOf,
  VERSION,
  type Call,
} from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

describe('calls', () => {
  test('create answers 201 with the whole properties', async () => {
    const response = await api.create({
      ...CREATE_BODY,
      sourceCallerIdNumber: { value: '+15550199', isAnonymous: null },
      operationContext: 'ctx',
      somethingNew: 1,
    });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toMatchObject({
      callConnectionState: 'connecting',
      targets: [{ kind: 'phoneNumber', rawId: '4:+15550100', phoneNumber: { value: '+15550100' } }],
      sourceCallerIdNumber: { value: '+15550199' },
    });
    expect(api.fake.asked[0]?.command).toEqual({
      targets: [{ kind: 'phoneNumber', rawId: '4:+15550100', number: '+15550100' }],
      callbackUri: 'https://app.test/events',
      sourceCallerIdNumber: '+15550199',
      operationContext: 'ctx',
      apiVersion: '2026-03-12',
    });
  });

  test.each([
    ['targets', { callbackUri: 'https://a.test' }],
    ['targets', { ...CREATE_BODY, targets: [] }],
    ['targets[0]', { ...CREATE_BODY, targets: [{ kind: 'phoneNumber' }] }],
    [
      'targets[0].phoneNumber.value',
      { ...CREATE_BODY, targets: [{ phoneNumber: { value: '12' } }] },
    ],
    ['callbackUri', { targets: CREATE_BODY.targets }],
    ['callbackUri', { ...CREATE_BODY, callbackUri: 'ftp://a.test' }],
    ['callbackUri', { ...CREATE_BODY, callbackUri: 'nonsense' }],
    ['operationContext', { ...CREATE_BODY, operationContext: 'x'.repeat(5_001) }],
    ['sourceCallerIdNumber.value', { ...CREATE_BODY, sourceCallerIdNumber: { value: 'me' } }],
  ])('a wrong %s is 400/8523 and named', async (field, body) => {
    const response = await api.create(body);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
    expect(errorOf(response).message).toContain(field);
    expect(api.fake.asked).toHaveLength(0);
  });

  test.each([
    { id: '8:acs:r_app' },
    { rawId: '8:acs:r_app' },
    { communicationUser: { id: '8:acs:r_app' } },
  ])('the source may be spelt %j', async (source) => {
    await api.create({ ...CREATE_BODY, source });
    expect(api.fake.asked[0]?.command).toMatchObject({
      source: { kind: 'communicationUser', rawId: '8:acs:r_app' },
    });
  });

  test('350 people may be called at once, and no more', async () => {
    const [target] = CREATE_BODY.targets;
    const targets = Array.from({ length: 350 }, () => target);
    expect((await api.create({ ...CREATE_BODY, targets })).statusCode).toBe(201);
    const response = await api.create({ ...CREATE_BODY, targets: [...targets, target] });
    expect([response.statusCode, errorOf(response).code]).toEqual([400, '8523']);
  });

  test('the other operations answer with their exact statuses', async () => {
    const id = api.fake.services.ids.callConnectionId();
    const base = `/calling/callConnections/${id}`;
    const context = { incomingCallContext: 'ctx' };
    const status = async (call: Call): Promise<number> => (await api.signed(call)).statusCode;
    const post = (path: string, body?: unknown): Promise<number> =>
      status({ method: 'POST', url: `${path}?${VERSION}`, body });
    expect(
      await post('/calling/callConnections:answer', {
        ...context,
        callbackUri: 'http://127.0.0.1:1/e',
      }),
    ).toBe(200);
    expect(
      await post('/calling/callConnections:redirect', {
        ...context,
        target: { rawId: '8:acs:r_u' },
      }),
    ).toBe(204);
    expect(
      await post('/calling/callConnections:reject', { ...context, callRejectReason: 'BUSY' }),
    ).toBe(204);
    expect(await post(`${base}:terminate`)).toBe(204);
    expect(await status({ method: 'GET', url: `${base}?${VERSION}` })).toBe(200);
    expect(await status({ method: 'DELETE', url: `${base}?${VERSION}` })).toBe(204);
    expect(await status({ method: 'GET', url: `${base}/participants?${VERSION}` })).toBe(200);
    expect(
      await status({ method: 'GET', url: `${base}/participants/4%3A%2B15550100?${VERSION}` }),
    ).toBe(200);
    expect(
      await status({ method: 'GET', url: `${base}/participants/8%3Aacs%3Ax?${VERSION}` }),
    ).toBe(404);
    expect(api.fake.asked.map(({ name }) => name)).toEqual([
      'answer',
      'redirect',
      'reject',
      'terminate',
      'connection',
      'hangUp',
      'participants',
      'participant',
      'participant',
    ]);
    expect(api.fake.asked[2]?.command).toEqual({ incomingCallContext: 'ctx', reason: 'busy' });
  });

  test('an id that we did not issue is 404 before anyone is asked', async () => {
    const response = await api.signed({
      method: 'GET',
      url: `/calling/callConnections/made-up?${VERSION}`,
    });
    expect(response.statusCode).toBe(404);
    expect(errorOf(response).code).toBe('8522');
    expect(api.fake.asked).toHaveLength(0);
  });

  test.each(['/c:startTranscription', '/c:interruptAudioAndAnnounce', '/c/participants:unmute'])(
    'callConnections%s is 405 with 8520',
    async (path) => {
      const url = `/calling/callConnections${path}?${VERSION}`;
      const response = await api.signed({ method: 'POST', url, body: {} });
      expect(response.statusCode).toBe(405);
      expect(errorOf(response).code).toBe('8520');
    },
  );
});
