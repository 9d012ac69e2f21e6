import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiHarness, CREATE_BODY, errorOf, VERSION } from '../../test/support/api-harness.ts';
import { ADMIN_TOKEN } from '../../test/support/fake-api-services.ts';
import { TapedeckError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-codes.ts';

const api = new ApiHarness();

describe('authentication', () => {
  test('without a signature nothing is told but that', async () => {
    const response = await api.app.inject({
      method: 'POST',
      url: '/calling/recordings',
      payload: '{',
    });
    expect(response.statusCode).toBe(401);
    expect(errorOf(response).code).toBe('7509');
  });

  test('a wrong signature is 401 with 7509, and the log has what was expected', async () => {
    const response = await api.start(api.startBody(), {
      authorization: 'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=AAAA',
    });
    expect(response.statusCode).toBe(401);
    expect(errorOf(response).code).toBe('7509');
    expect(api.fake.warnings[0]?.['expectedStringToSign']).toContain('/calling/recordings');
    expect(response.body).not.toContain('GMT');
  });

  test('the administrator’s token opens /admin and nothing else', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    expect((await api.app.inject({ url: '/admin/calls', headers })).statusCode).toBe(200);
    expect(
      (await api.app.inject({ url: `/calling/recordings/x?${VERSION}`, headers })).statusCode,
    ).toBe(401);
    expect(
      (await api.app.inject({ url: '/admin/calls', headers: { authorization: 'Bearer no' } }))
        .statusCode,
    ).toBe(401);
    expect((await api.app.inject({ url: '/admin/calls' })).statusCode).toBe(401);
    expect((await api.signed({ method: 'GET', url: '/admin/calls' })).statusCode).toBe(200);
  });
});

describe('conventions', () => {
  test('the client’s request id comes back', async () => {
    const response = await api.create(CREATE_BODY, { 'x-ms-client-request-id': 'abc' });
    expect(response.headers['x-ms-client-request-id']).toBe('abc');
  });

  test('a request without api-version is refused by that name', async () => {
    const response = await api.signed({
      method: 'POST',
      url: '/calling/callConnections',
      body: CREATE_BODY,
    });
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: 'api-version' });
  });

  test('an unknown path is 404', async () => {
    for (const url of ['/', '/calling', '/calling/nothing', '/calling/callConnections/x/y/z']) {
      const response = await api.app.inject({ url });
      expect(response.statusCode).toBe(404);
      expect(errorOf(response).code).toBe('8522');
    }
  });

  test('what is no JSON, and what is no URL, is 400', async () => {
    expect(errorOf(await api.create('{"a":')).target).toBe('body');
    expect((await api.app.inject({ url: '/calling/recordings/%E0%A4%A' })).statusCode).toBe(400);
  });

  test('a defect of ours tells nothing of itself', async () => {
    api.fake.failing.set('createCall', new RangeError('secret detail') as unknown as TapedeckError);
    const response = await api.create(CREATE_BODY);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret detail');
  });

  test.each([
    ['call-not-found', 404, '8522', undefined],
    ['recording-already-running', 400, '8559', undefined],
    ['recording-conflict', 409, '8571', undefined],
    ['call-not-established', 400, '8501', undefined],
    ['call-ended', 400, '8528', undefined],
    ['too-many-requests', 429, '8589', '5'],
    ['shutting-down', 503, '9003', '5'],
  ] as const)('%s is %i/%s', async (code: ErrorCode, status, subCode, retryAfter) => {
    api.fake.failing.set('startRecording', new TapedeckError(code, 'why'));
    const response = await api.start(api.startBody());
    expect(response.statusCode).toBe(status);
    expect(errorOf(response)).toMatchObject({ code: subCode, message: 'why' });
    expect(response.headers['retry-after']).toBe(retryAfter);
  });
});

test('no body makes the server fail: it is done or refused with a reason', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('audio', 'mixed', 'wav', '+15550100'));
  const field = (...names: string[]): fc.Arbitrary<object> =>
    fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
  const locator = field('kind', 'serverCallId', 'groupCallId', 'roomId');
  const identifier = field('kind', 'rawId', 'phoneNumber', 'communicationUser');
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        callLocator: fc.oneof(value, locator),
        callConnectionId: value,
        recordingContentType: value,
        channelAffinity: fc.array(fc.record({ channel: value, participant: identifier })),
        targets: fc.oneof(value, fc.array(identifier, { maxLength: 3 })),
        callbackUri: fc.oneof(value, fc.webUrl()),
        target: identifier,
        incomingCallContext: value,
        callRejectReason: value,
      },
      { requiredKeys: [] },
    ),
  );
  const path = fc.constantFrom(
    'recordings',
    'callConnections',
    'callConnections:answer',
    'callConnections:redirect',
    'callConnections:reject',
  );
  await fc.assert(
    fc.asyncProperty(path, body, async (name, given) => {
      const response = await api.signed({
        method: 'POST',
        url: `/calling/${name}?${VERSION}`,
        body: JSON.stringify(given),
      });
      expect(response.statusCode).toBeLessThan(500);
      if (response.statusCode >= 400) expect(errorOf(response).message).not.toBe('');
    }),
    { numRuns: 200 },
  );
});

test('applications find the keys of callbacks without credentials', async () => {
  const document = await api.app.inject({ url: '/calling/.well-known/acsopenidconfiguration' });
  expect(document.json()).toMatchObject({ jwks_uri: 'https://localhost:8443/calling/keys' });
  const keys = await api.app.inject({ url: '/calling/keys' });
  expect(keys.json<{ keys: unknown[] }>().keys).toHaveLength(1);
});
