import { gzipSync } from 'node:zlib';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, test } from 'vitest';
import { ApiHarness } from '../../../test/support/api-harness.ts';
import { BOT_CALL_ID, BOT_ID, BOT_OPERATION_ID } from '../../../test/support/fake-api-services.ts';
import { TapedeckError } from '../../core/error.ts';

const api = new ApiHarness();

const CALLS = '/v1.0/communications/calls';
const CALL = `${CALLS}/${BOT_CALL_ID}`;
const MEDIA = {
  '@odata.type': '#microsoft.graph.serviceHostedMediaConfig',
  preFetchMedia: [{ uri: 'https://bot.test/hello.wav', resourceId: 'hello' }],
};
const APP_MEDIA = { '@odata.type': '#microsoft.graph.appHostedMediaConfig', blob: 'x' };
const PROMPT = {
  '@odata.type': '#microsoft.graph.mediaPrompt',
  mediaInfo: { uri: 'https://bot.test/hello.wav', resourceId: 'hello' },
};
const CREATE = {
  '@odata.type': '#microsoft.graph.call',
  callbackUri: 'https://bot.test/calls',
  targets: [{ identity: { phone: { id: '+15550100' } } }],
  requestedModalities: ['audio'],
  mediaConfig: MEDIA,
};

type Sent = {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Record<string, string>;
};

function send({
  method = 'POST',
  url,
  body,
  token = 'bot',
  headers,
}: Sent): Promise<LightMyRequestResponse> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  return api.app.inject({
    method,
    url,
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { payload: isRaw ? body : JSON.stringify(body) }),
  });
}

/** Status and `error`, of which the texts of people are checked where they matter. */
function failureOf(response: LightMyRequestResponse): readonly [number, string, string] {
  const { error } = response.json<{ error: { code: string; message: string } }>();
  return [response.statusCode, error.code, error.message];
}

/** What the use case was asked for last. */
function asked(): { readonly name: string; readonly command: unknown } | undefined {
  return api.fake.asked.at(-1);
}

describe('who asks', () => {
  test.each([
    ['', 401, 'InvalidAuthenticationToken', 'Access token is empty.'],
    ['malformed', 401, 'InvalidAuthenticationToken', 'CompactToken parsing failed'],
    ['signature-invalid', 401, 'InvalidAuthenticationToken', 'validation failure'],
    ['audience-wrong', 401, 'InvalidAuthenticationToken', 'Invalid audience.'],
    ['expired', 401, 'InvalidAuthenticationToken', 'expired'],
    ['delegated', 403, 'UnknownError', '"errorCode":"7500"'],
    ['application-unknown', 403, '7503', 'not registered'],
    ['keys-unavailable', 503, 'serviceNotAvailable', 'keys'],
  ])('with a token that is %s is answered %i %s', async (token, status, code, text) => {
    const failure = failureOf(await send({ method: 'GET', url: CALL, token }));
    expect(failure.slice(0, 2)).toEqual([status, code]);
    expect(failure[2]).toContain(text);
    expect(api.fake.asked).toEqual([]);
  });

  test('without a token hears how SDKs are made to send one, whatever the body is', async () => {
    const response = await send({ url: CALLS, body: 'not json', token: '' });
    expect(failureOf(response)[2]).toContain('customHosts');
    expect(response.headers['www-authenticate']).toBe('Bearer');
  });

  test.each([
    ['Calls.Initiate.All', { url: CALLS, body: CREATE }],
    [
      'Calls.InitiateGroupCall.All',
      { url: CALLS, body: { ...CREATE, targets: [...CREATE.targets, ...CREATE.targets] } },
    ],
    ['Calls.AccessMedia.All', { url: `${CALL}/recordResponse`, body: {} }],
    ['Calls.AccessMedia.All', { url: `${CALL}/subscribeToTone` }],
    ['Calls.AccessMedia.All', { url: `${CALL}/answer`, body: { mediaConfig: APP_MEDIA } }],
    ['Calls.Initiate.All', { url: `${CALL}/redirect`, body: { targets: CREATE.targets } }],
    [
      'Calls.Initiate.All',
      { url: `${CALL}/transfer`, body: { transferTarget: CREATE.targets[0] } },
    ],
    [
      'Calls.InitiateGroupCall.All',
      { url: `${CALL}/participants/invite`, body: { participants: CREATE.targets } },
    ],
    [
      'Calls.JoinGroupCall.All',
      { url: `${CALL}/updateRecordingStatus`, body: { status: 'recording' } },
    ],
  ])('needs %s for %o', async (role, request) => {
    const [status, code, message] = failureOf(await send({ ...request, token: 'nobody' }));
    expect([status, code]).toEqual([403, '7504']);
    expect(message).toContain(`permission ${role} is missing`);
    expect((await send(request)).statusCode).toBeLessThan(300);
  });

  test.each([
    { method: 'GET', url: CALL },
    { url: `${CALL}/answer`, body: { mediaConfig: MEDIA } },
    { url: `${CALL}/playPrompt`, body: { prompts: [PROMPT] } },
    { url: `${CALL}/keepAlive` },
    { method: 'DELETE', url: CALL },
  ] as const)('needs no permission for $method $url', async (request) => {
    expect((await send({ ...request, token: 'nobody' })).statusCode).toBeLessThan(300);
  });

  test('may call as nobody else', async () => {
    const source = { identity: { application: { id: 'somebody-else' } } };
    const failure = failureOf(await send({ url: CALLS, body: { ...CREATE, source } }));
    expect(failure).toEqual([403, '7507', 'Call source identity invalid.']);
    const own = { identity: { application: { id: BOT_ID.toUpperCase(), displayName: 'Bot' } } };
    expect((await send({ url: CALLS, body: { ...CREATE, source: own } })).statusCode).toBe(201);
  });
});

describe('a body', () => {
  test('may be gzipped', async () => {
    const body = gzipSync(JSON.stringify(CREATE));
    const headers = { 'content-encoding': 'gzip' };
    const response = await send({ url: CALLS, body, headers });
    expect(response.statusCode).toBe(201);
    expect(asked()).toMatchObject({
      name: 'bots.create',
      command: { callbackUri: CREATE.callbackUri },
    });
  });

  test.each([
    ['that is no JSON', 'no json', undefined, 400, 'BadRequest'],
    ['that is no gzip', 'no gzip', 'gzip', 400, 'BadRequest'],
    [
      'that unpacks to more than a body may have',
      gzipSync(Buffer.alloc(2_000_000)),
      'gzip',
      400,
      'BadRequest',
    ],
    ['in another encoding', 'x', 'br', 415, 'UnsupportedMediaType'],
  ])('%s is refused', async (_what, body, encoding, status, code) => {
    const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
    expect(failureOf(await send({ url: CALLS, body, headers })).slice(0, 2)).toEqual([
      status,
      code,
    ]);
  });
});

describe('an answer', () => {
  test('names the request, the client’s and ours', async () => {
    const headers = { 'client-request-id': 'mine', 'scenario-id': 'scenario' };
    const response = await send({ method: 'GET', url: CALL, headers });
    expect(response.headers).toMatchObject({
      'client-request-id': 'mine',
      'scenario-id': 'scenario',
      'odata-version': '4.0',
    });
    expect(response.headers['request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('to what goes wrong has the members that SDKs read', async () => {
    api.fake.failing.set('bots.call', new TapedeckError('call-not-found', 'Call not found.'));
    const headers = { 'client-request-id': 'mine' };
    const response = await send({ method: 'GET', url: CALL, headers });
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toContain('application/json');
    const { error } = response.json<{ error: { innerError: Record<string, string> } }>();
    expect(error).toEqual({
      code: '8522',
      message: 'Call not found.',
      innerError: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/) as string,
        'request-id': response.headers['request-id'],
        'client-request-id': 'mine',
      },
    });
  });

  test.each([`${CALL}/nothing`, '/v1.0/users', '/beta', '/v1.0/communications'])(
    'to %s says that nothing is there',
    async (url) => {
      const [status, code, message] = failureOf(await send({ url, body: {} }));
      expect([status, code]).toEqual([404, 'UnknownError']);
      expect(message).toContain('No HTTP resource was found that matches the request URI');
    },
  );

  test.each(['changeScreenSharingRole', 'addLargeGalleryView'])(
    'to %s, which is not built, says so',
    async (action) => {
      const failure = failureOf(await send({ url: `${CALL}/${action}`, body: {} }));
      expect(failure).toEqual([501, '8520', `${action} is not supported by this server.`]);
    },
  );
});

describe('a call', () => {
  test('is made as it is asked for', async () => {
    const body = {
      ...CREATE,
      subject: 'Survey',
      targets: [
        { identity: { user: { id: 'alice' } } },
        { identity: { user: { id: 'sip:bob@host.test' } } },
        { identity: { acsUser: { id: '8:acs:res_carol' } } },
      ],
      source: {
        identity: {
          phone: { id: '+15550199' },
          applicationInstance: { id: 'x', displayName: 'Line' },
        },
      },
    };
    const response = await send({ url: CALLS, body });
    expect(response.statusCode).toBe(201);
    expect(response.headers['location']).toMatch(new RegExp(`^https?://.*${CALL}$`));
    expect(response.json()).toMatchObject({
      '@odata.context': expect.stringMatching(
        /\/v1\.0\/\$metadata#communications\/calls\/\$entity$/,
      ) as string,
      id: BOT_CALL_ID,
    });
    expect(asked()).toMatchObject({
      command: {
        principal: { applicationId: BOT_ID },
        targets: [
          { kind: 'userName', name: 'alice' },
          { kind: 'unknown', rawId: 'sip:bob@host.test' },
          { kind: 'communicationUser', rawId: '8:acs:res_carol' },
        ],
        sourceNumber: '+15550199',
        sourceName: 'Line',
        media: 'service-hosted',
        preFetched: [{ uri: 'https://bot.test/hello.wav', resourceId: 'hello' }],
        kept: { subject: 'Survey', requestedModalities: ['audio'] },
      },
    });
  });

  test.each([
    ['callbackUri', { callbackUri: undefined }],
    ['callbackUri', { callbackUri: 'bot.test/calls' }],
    ['targets', { targets: [] }],
    ['targets[0].identity', { targets: [{}] }],
    ['targets[0].identity', { targets: [{ identity: 'alice' }] }],
    ['targets[0].identity', { targets: [{ identity: {} }] }],
    ['targets[0].identity.user', { targets: [{ identity: { user: 'alice' } }] }],
    ['targets[0].identity.phone.id', { targets: [{ identity: { phone: { id: '555' } } }] }],
    ['mediaConfig', { mediaConfig: undefined }],
    ['mediaConfig.@odata.type', { mediaConfig: { '@odata.type': '#microsoft.graph.other' } }],
    ['requestedModalities', { requestedModalities: ['video'] }],
    ['requestedModalities', { requestedModalities: ['audio', 'smell'] }],
  ])('without a good %s is refused: %o', async (field, change) => {
    const response = await send({ url: CALLS, body: { ...CREATE, ...change } });
    const [status, code, message] = failureOf(response);
    expect([status, code]).toEqual([400, '8523']);
    expect(message).toContain(field);
    expect(response.json()).toMatchObject({ error: { target: field } });
    expect(api.fake.asked).toEqual([]);
  });

  test('is answered with media of either side', async () => {
    const body = {
      callbackUri: 'https://bot.test/two',
      mediaConfig: MEDIA,
      acceptedModalities: ['audio'],
    };
    const response = await send({ url: `${CALL}/answer`, body });
    expect([response.statusCode, response.body]).toEqual([202, '']);
    expect(asked()).toMatchObject({
      name: 'bots.answer',
      command: {
        callId: BOT_CALL_ID,
        callbackUri: 'https://bot.test/two',
        media: 'service-hosted',
      },
    });
    await send({ url: `${CALL}/answer`, body: { ...body, mediaConfig: APP_MEDIA } });
    expect(asked()).toMatchObject({ command: { media: 'application-hosted' } });
  });

  test.each([
    [undefined, 'none'],
    [{ reason: 'Busy' }, 'busy'],
    [{ reason: 'forbidden' }, 'forbidden'],
  ])('is rejected: %o', async (body, reason) => {
    expect((await send({ url: `${CALL}/reject`, body })).statusCode).toBe(202);
    expect(asked()).toMatchObject({ name: 'bots.reject', command: { reason } });
  });

  test.each([
    [1, undefined, 55_000],
    [2, undefined, 60_000],
    [2, 15, 15_000],
  ])('is redirected to %i for %o s', async (count, timeout, ringTimeoutMs) => {
    const targets = [...CREATE.targets, ...CREATE.targets].slice(0, count);
    const response = await send({ url: `${CALL}/redirect`, body: { targets, timeout } });
    expect(response.statusCode).toBe(202);
    expect(asked()).toMatchObject({ name: 'bots.redirect', command: { ringTimeoutMs } });
  });

  test.each([
    { method: 'GET', url: `${CALLS}('${BOT_CALL_ID}')`, name: 'bots.call', status: 200 },
    { method: 'DELETE', url: CALL, name: 'bots.end', status: 204 },
    { method: 'POST', url: `${CALL}/keepAlive`, name: 'bots.keepAlive', status: 200 },
    {
      method: 'POST',
      url: `${CALL}/microsoft.graph.keepAlive`,
      name: 'bots.keepAlive',
      status: 200,
    },
    {
      method: 'GET',
      url: `${CALL}/operations/${BOT_OPERATION_ID}`,
      name: 'bots.operation',
      status: 200,
    },
    { method: 'GET', url: `${CALL}/participants`, name: 'bots.participants', status: 200 },
    {
      method: 'DELETE',
      url: `${CALL}/participants/${BOT_OPERATION_ID}`,
      name: 'bots.removeParticipant',
      status: 204,
    },
    { method: 'GET', url: CALLS, name: 'bots.calls', status: 200 },
  ] as const)('$method $url is $name', async ({ name, status, ...request }) => {
    expect((await send(request)).statusCode).toBe(status);
    expect(asked()).toMatchObject({ name });
  });
});

describe('an operation', () => {
  test.each([
    ['playPrompt', { prompts: [PROMPT] }, 200],
    ['microsoft.graph.recordResponse', {}, 200],
    ['cancelMediaProcessing', undefined, 200],
    ['subscribeToTone', undefined, 200],
    ['sendDtmfTones', { tones: ['tone1', 'star', 'pound', 'a'] }, 200],
    ['updateRecordingStatus', { status: 'recording' }, 200],
    ['mute', undefined, 200],
    ['unmute', {}, 200],
    ['participants/invite', { participants: CREATE.targets }, 200],
    [`participants/${BOT_OPERATION_ID}/mute`, undefined, 200],
    [`participants/${BOT_OPERATION_ID}/startHoldMusic`, { customPrompt: PROMPT }, 202],
    [`participants/${BOT_OPERATION_ID}/stopHoldMusic`, undefined, 202],
  ])('%s is answered with itself and where it is', async (action, body, status) => {
    const response = await send({ url: `${CALL}/${action}`, body });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ id: BOT_OPERATION_ID });
    expect(response.headers['location']).toMatch(
      new RegExp(`^https?://.*${CALL}/operations/${BOT_OPERATION_ID}$`),
    );
  });

  test('gives its context on, up to 256 characters', async () => {
    const clientContext = 'x'.repeat(256);
    await send({ url: `${CALL}/cancelMediaProcessing`, body: { clientContext } });
    expect(asked()).toMatchObject({ command: { clientContext } });
    const failure = failureOf(
      await send({
        url: `${CALL}/cancelMediaProcessing`,
        body: { clientContext: `${clientContext}x` },
      }),
    );
    expect(failure.slice(0, 2)).toEqual([400, '8523']);
    expect(failure[2]).toContain('clientContext');
  });

  test.each([
    ['prompts', []],
    ['prompts', Array.from({ length: 21 }, () => PROMPT)],
    ['prompts[0].mediaInfo', [{ '@odata.type': '#microsoft.graph.mediaPrompt' }]],
    ['prompts[0].mediaInfo', [{}]],
    ['prompts[0].mediaInfo.uri', [{ mediaInfo: {} }]],
    ['prompts[0].mediaInfo.uri', [{ mediaInfo: { uri: 'hello.wav' } }]],
    ['prompts[0].@odata.type', [{ ...PROMPT, '@odata.type': '#microsoft.graph.ttsPrompt' }]],
  ])('that plays refuses bad %s: %o', async (field, prompts) => {
    const [status, code, message] = failureOf(
      await send({ url: `${CALL}/playPrompt`, body: { prompts } }),
    );
    expect([status, code]).toEqual([400, '8523']);
    expect(message).toContain(field);
  });

  test('takes a prompt that does not say its type, and twenty of them', async () => {
    const prompts = Array.from({ length: 20 }, () => ({ mediaInfo: PROMPT.mediaInfo }));
    expect((await send({ url: `${CALL}/playPrompt`, body: { prompts } })).statusCode).toBe(200);
    expect(asked()).toMatchObject({ command: { loop: false } });
  });

  test.each([
    ['tones', []],
    ['tones[1]', ['tone1', 'flash']],
    ['tones[0]', ['1']],
  ])('that sends keys refuses bad %s', async (field, tones) => {
    const failure = failureOf(await send({ url: `${CALL}/sendDtmfTones`, body: { tones } }));
    expect(failure.slice(0, 2)).toEqual([400, '8523']);
    expect(failure[2]).toContain(field);
  });
});

describe('recordResponse', () => {
  const url = `${CALL}/recordResponse`;
  const DEFAULTS = {
    prompts: [],
    playBeep: true,
    bargeIn: false,
    initialSilenceMs: 5_000,
    maxSilenceMs: 5_000,
    maxDurationMs: 5_000,
    stopTones: [],
  };

  test.each([
    ['nothing', undefined],
    ['an empty body', {}],
    [
      'nulls',
      {
        prompts: null,
        bargeInAllowed: null,
        initialSilenceTimeoutInSeconds: null,
        maxSilenceTimeoutInSeconds: null,
        maxRecordDurationInSeconds: null,
        playBeep: null,
        stopTones: null,
        clientContext: null,
      },
    ],
    ['members of other times', { loop: 3, recordingFormat: 'wav', streamWhileRecording: true }],
  ])('takes %s for its defaults', async (_what, body) => {
    expect((await send({ url, body })).statusCode).toBe(200);
    expect(asked()).toMatchObject({ name: 'bots.recordResponse', command: DEFAULTS });
  });

  test('takes everything that it knows', async () => {
    await send({
      url,
      body: {
        prompts: [PROMPT],
        bargeInAllowed: true,
        initialSilenceTimeoutInSeconds: 1,
        maxSilenceTimeoutInSeconds: 2,
        maxRecordDurationInSeconds: 120,
        playBeep: false,
        stopTones: ['#', '1', '*', 'd'],
        clientContext: 'order-4711',
      },
    });
    expect(asked()).toMatchObject({
      command: {
        prompts: [PROMPT.mediaInfo],
        bargeIn: true,
        initialSilenceMs: 1_000,
        maxSilenceMs: 2_000,
        maxDurationMs: 120_000,
        playBeep: false,
        stopTones: ['#', '1', '*', 'D'],
        clientContext: 'order-4711',
      },
    });
  });

  test.each([
    ['prompts', [PROMPT, PROMPT]],
    ['prompts[0].mediaInfo', [{}]],
    ['initialSilenceTimeoutInSeconds', 0],
    ['initialSilenceTimeoutInSeconds', 121],
    ['maxSilenceTimeoutInSeconds', 0],
    ['maxSilenceTimeoutInSeconds', 1.5],
    ['maxRecordDurationInSeconds', 121],
    ['maxRecordDurationInSeconds', '5'],
    ['playBeep', 'false'],
    ['bargeInAllowed', 1],
    ['stopTones[0]', ['11']],
    ['stopTones[1]', ['1', 'E']],
    ['stopTones[0]', ['']],
    ['stopTones', '#'],
    ['clientContext', 'x'.repeat(257)],
  ])('refuses %s of %o', async (field, value) => {
    const name = field.replace(/\[.*$/, '');
    const [status, code, message] = failureOf(await send({ url, body: { [name]: value } }));
    expect([status, code]).toEqual([400, '8523']);
    expect(message).toContain(field);
    expect(api.fake.asked).toEqual([]);
  });

  test.each([
    ['call-not-found', 404, '8522'],
    ['call-not-established', 400, '8501'],
    ['call-ended', 400, '8528'],
    ['media-mode-invalid', 400, '8500'],
    ['operations-throttled', 429, '8589'],
    ['storage-low', 503, '8589'],
    ['internal', 500, '9999'],
  ] as const)('says %s as %i %s', async (error, status, code) => {
    api.fake.failing.set('bots.recordResponse', new TapedeckError(error, 'So it is.'));
    expect(failureOf(await send({ url, body: {} }))).toEqual([status, code, 'So it is.']);
  });
});
