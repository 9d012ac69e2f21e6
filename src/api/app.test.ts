import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import fc from 'fast-check';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ACCESS_KEY,
  ADMIN_TOKEN,
  DOCUMENT_ID,
  type FakeApi,
  makeFakeApi,
} from '../../test/support/fake-api-services.ts';
import { TapedeckError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { buildApp } from './app.ts';
import type { Routes } from './routes.ts';

const HOST = 'tapedeck.test:8443';
const VERSION = 'api-version=2026-03-12';

let fake: FakeApi;
let app: Routes;
beforeAll(async () => {
  fake = await makeFakeApi([HOST]);
  app = buildApp(fake.services, (handle) => createServer(handle));
});
beforeEach(() => {
  fake.reset();
});
afterAll(() => app.close());

type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};

/** Sends a request signed as the SDKs sign. */
function signed({ method, url, body, headers }: Call): Promise<LightMyRequestResponse> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const date = new Date().toUTCString();
  const hash = createHash('sha256').update(text).digest('base64');
  const signature = createHmac('sha256', Buffer.from(ACCESS_KEY, 'base64'))
    .update(`${method}\n${url}\n${date};${HOST};${hash}`)
    .digest('base64');
  const options: InjectOptions = {
    method,
    url,
    headers: {
      host: HOST,
      'x-ms-date': date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
      ...(text !== '' && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text !== '' && { payload: text }),
  };
  return app.inject(options);
}

const create = (body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse> =>
  signed({
    method: 'POST',
    url: `/calling/callConnections?${VERSION}`,
    body,
    ...(headers && { headers }),
  });
const start = (body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse> =>
  signed({
    method: 'POST',
    url: `/calling/recordings?${VERSION}`,
    body,
    ...(headers && { headers }),
  });
const errorOf = (
  response: LightMyRequestResponse,
): { code: string; message: string; target: string } =>
  response.json<{ error: { code: string; message: string; target: string } }>().error;

const CREATE_BODY = {
  targets: [{ kind: 'phoneNumber', phoneNumber: { value: '+15550100' } }],
  callbackUri: 'https://app.test/events',
};
const serverCallId = (): string => fake.services.ids.serverCallId();
const startBody = (extra: object = {}): object => ({
  callLocator: { kind: 'serverCallLocator', serverCallId: serverCallId() },
  recordingContentType: 'audio',
  recordingChannelType: 'mixed',
  recordingFormatType: 'wav',
  ...extra,
});

describe('authentication', () => {
  test('without a signature nothing is told but that', async () => {
    const response = await app.inject({ method: 'POST', url: '/calling/recordings', payload: '{' });
    expect(response.statusCode).toBe(401);
    expect(errorOf(response).code).toBe('7509');
  });

  test('a wrong signature is 401 with 7509, and the log has what was expected', async () => {
    const response = await start(startBody(), {
      authorization: 'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=AAAA',
    });
    expect(response.statusCode).toBe(401);
    expect(errorOf(response).code).toBe('7509');
    expect(fake.warnings[0]?.['expectedStringToSign']).toContain('/calling/recordings');
    expect(response.body).not.toContain('GMT');
  });

  test('the administrator’s token opens /admin and nothing else', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    expect((await app.inject({ url: '/admin/calls', headers })).statusCode).toBe(200);
    expect(
      (await app.inject({ url: `/calling/recordings/x?${VERSION}`, headers })).statusCode,
    ).toBe(401);
    expect(
      (await app.inject({ url: '/admin/calls', headers: { authorization: 'Bearer no' } }))
        .statusCode,
    ).toBe(401);
    expect((await app.inject({ url: '/admin/calls' })).statusCode).toBe(401);
    expect((await signed({ method: 'GET', url: '/admin/calls' })).statusCode).toBe(200);
  });
});

describe('conventions', () => {
  test('the client’s request id comes back', async () => {
    const response = await create(CREATE_BODY, { 'x-ms-client-request-id': 'abc' });
    expect(response.headers['x-ms-client-request-id']).toBe('abc');
  });

  test('a request without api-version is refused by that name', async () => {
    const response = await signed({
      method: 'POST',
      url: '/calling/callConnections',
      body: CREATE_BODY,
    });
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: 'api-version' });
  });

  test('an unknown path is 404', async () => {
    for (const url of ['/', '/calling', '/calling/nothing', '/calling/callConnections/x/y/z']) {
      const response = await app.inject({ url });
      expect(response.statusCode).toBe(404);
      expect(errorOf(response).code).toBe('8522');
    }
  });

  test('what is no JSON, and what is no URL, is 400', async () => {
    expect(errorOf(await create('{"a":')).target).toBe('body');
    expect((await app.inject({ url: '/calling/recordings/%E0%A4%A' })).statusCode).toBe(400);
  });

  test('a defect of ours tells nothing of itself', async () => {
    fake.failing.set('createCall', new RangeError('secret detail') as unknown as TapedeckError);
    const response = await create(CREATE_BODY);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret detail');
  });

  test.each([
    ['call-not-found', 404, '8522', undefined],
    ['recording-already-running', 400, '8559', undefined],
    ['recording-conflict', 409, '8571', undefined],
    ['call-not-established', 400, '8501', undefined],
    ['call-ended', 400, '8528', undefined],
    ['too-many-requests', 429, '8516', '5'],
    ['shutting-down', 503, '9003', '5'],
  ] as const)('%s is %i/%s', async (code: ErrorCode, status, subCode, retryAfter) => {
    fake.failing.set('startRecording', new TapedeckError(code, 'why'));
    const response = await start(startBody());
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
      const response = await signed({
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

describe('calls', () => {
  test('create answers 201 with the whole properties', async () => {
    const response = await create({
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
    expect(fake.asked[0]?.command).toEqual({
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
    const response = await create(body);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
    expect(errorOf(response).message).toContain(field);
    expect(fake.asked).toHaveLength(0);
  });

  test.each([
    { id: '8:acs:r_app' },
    { rawId: '8:acs:r_app' },
    { communicationUser: { id: '8:acs:r_app' } },
  ])('the source may be spelt %j', async (source) => {
    await create({ ...CREATE_BODY, source });
    expect(fake.asked[0]?.command).toMatchObject({
      source: { kind: 'communicationUser', rawId: '8:acs:r_app' },
    });
  });

  test('more than two targets are not supported yet', async () => {
    const [target] = CREATE_BODY.targets;
    const response = await create({ ...CREATE_BODY, targets: [target, target, target] });
    expect(response.statusCode).toBe(405);
    expect(errorOf(response).code).toBe('8520');
  });

  test('the other operations answer with their exact statuses', async () => {
    const id = fake.services.ids.callConnectionId();
    const base = `/calling/callConnections/${id}`;
    const context = { incomingCallContext: 'ctx' };
    const status = async (call: Call): Promise<number> => (await signed(call)).statusCode;
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
    expect(fake.asked.map(({ name }) => name)).toEqual([
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
    expect(fake.asked[2]?.command).toEqual({ incomingCallContext: 'ctx', reason: 'busy' });
  });

  test('an id that we did not issue is 404 before anyone is asked', async () => {
    const response = await signed({
      method: 'GET',
      url: `/calling/callConnections/made-up?${VERSION}`,
    });
    expect(response.statusCode).toBe(404);
    expect(errorOf(response).code).toBe('8522');
    expect(fake.asked).toHaveLength(0);
  });

  test.each([
    ':connect',
    '/c:play',
    '/c:transferToParticipant',
    '/c:hold',
    '/c:startTranscription',
    '/c/participants:add',
    '/c/participants:mute',
  ])('callConnections%s is 405 with 8520', async (path) => {
    const url = `/calling/callConnections${path}?${VERSION}`;
    const response = await signed({ method: 'POST', url, body: {} });
    expect(response.statusCode).toBe(405);
    expect(errorOf(response).code).toBe('8520');
  });
});

describe('recordings', () => {
  test('start answers 200, get 200, stop 204', async () => {
    const started = await start(startBody({ recordingStateCallbackUri: 'http://a.test/s' }));
    expect(started.statusCode).toBe(200);
    const body = started.json<{ recordingId: string }>();
    expect(body).toMatchObject({
      recordingState: 'active',
      recordingKind: 'azureCommunicationServices',
    });
    const url = `/calling/recordings/${body.recordingId}?${VERSION}`;
    expect((await signed({ method: 'GET', url })).statusCode).toBe(200);
    const stopped = await signed({ method: 'DELETE', url });
    expect([stopped.statusCode, stopped.body]).toEqual([204, '']);
    expect(fake.asked[0]?.command).toMatchObject({
      contentType: 'audio',
      stateCallbackUri: 'http://a.test/s',
      apiVersion: '2026-03-12',
    });
  });

  test('enum values count in any case, and a locator needs no kind', async () => {
    const id = serverCallId();
    const response = await start(
      startBody({
        callLocator: { serverCallId: id },
        recordingContentType: 'Audio',
        recordingFormatType: 'WAV',
      }),
    );
    expect(response.statusCode).toBe(200);
    expect(fake.asked[0]?.command).toMatchObject({ call: { serverCallId: id } });
  });

  test('a connection’s id serves as well', async () => {
    const callConnectionId = fake.services.ids.callConnectionId();
    await start(startBody({ callLocator: undefined, callConnectionId }));
    expect(fake.asked[0]?.command).toMatchObject({ call: { callConnectionId } });
  });

  test.each([
    [400, '8523', { recordingContentType: 'smell' }],
    [400, '8523', { callLocator: undefined }],
    [400, '8523', { callConnectionId: 'x' }],
    [400, '8523', { callLocator: {} }],
    [400, '8523', { callLocator: { kind: 'serverCallLocator' } }],
    [400, '8523', { channelAffinity: [{ channel: 5 }] }],
    [400, '8523', { recordingStateCallbackUri: 'nonsense' }],
    [400, '8523', { pauseOnStart: 'yes' }],
    [400, '8562', { recordingFormatType: 'mp3' }],
    [400, '8562', { recordingFormatType: undefined }],
    [400, '8562', { recordingChannelType: 'unmixed' }],
    [400, '8562', { recordingContentType: 'audioVideo', recordingFormatType: 'mp4' }],
    [405, '8520', { pauseOnStart: true }],
    [405, '8520', { channelAffinity: [{ channel: 0, participant: { rawId: 'x' } }] }],
    [405, '8520', { audioChannelParticipantOrdering: [{ rawId: 'x' }] }],
    [405, '8520', { externalStorage: { recordingStorageKind: 'azureBlobStorage' } }],
    [405, '8520', { callLocator: { kind: 'roomCallLocator', roomId: 'r' } }],
    [404, '8522', { callLocator: { kind: 'groupCallLocator', groupCallId: 'g' } }],
    [404, '8522', { callLocator: { kind: 'serverCallLocator', serverCallId: 'made-up' } }],
  ])('%i/%s for %j', async (status, code, extra) => {
    const response = await start(startBody(extra));
    expect(response.statusCode).toBe(status);
    expect(errorOf(response).code).toBe(code);
    expect(fake.asked).toHaveLength(0);
  });

  test('what Python always sends is no hindrance', async () => {
    const response = await start(
      startBody({
        channelAffinity: [],
        pauseOnStart: null,
        externalStorage: { recordingStorageKind: 'AzureCommunicationServices' },
      }),
    );
    expect(response.statusCode).toBe(200);
  });

  test.each(['pause', 'resume'])('%s is not built yet', async (verb) => {
    const url = `/calling/recordings/${fake.services.ids.recordingId()}:${verb}?${VERSION}`;
    const response = await signed({ method: 'POST', url });
    expect([response.statusCode, errorOf(response).code]).toEqual([405, '8520']);
  });
});

describe('repeated requests', () => {
  const headers = { 'repeatability-request-id': '5f0c2f0e-aaaa-bbbb-cccc-1234567890ab' };

  test('the same id gets the same answer and starts one recording', async () => {
    const body = startBody();
    const first = await start(body, headers);
    const second = await start(body, headers);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(fake.asked).toHaveLength(1);
  });

  test('also while the first is still under way', async () => {
    const body = startBody();
    const [first, second] = await Promise.all([start(body, headers), start(body, headers)]);
    expect(second.body).toBe(first.body);
    expect(fake.asked).toHaveLength(1);
  });

  test('another id, another operation, and a failure are tried anew', async () => {
    fake.failing.set('startRecording', new TapedeckError('internal', 'once'));
    expect((await start(startBody(), headers)).statusCode).toBe(500);
    expect((await start(startBody(), headers)).statusCode).toBe(200);
    expect((await start(startBody(), { 'repeatability-request-id': 'other' })).statusCode).toBe(
      200,
    );
    expect((await create(CREATE_BODY, headers)).statusCode).toBe(201);
    expect(fake.asked).toHaveLength(4);
  });
});

describe('content', () => {
  const url = `/v1/objects/${DOCUMENT_ID}/content/video`;
  const get = (range?: string): Promise<LightMyRequestResponse> =>
    signed({ method: 'GET', url, headers: range === undefined ? {} : { range } });

  test.each([
    [undefined, 200, 'RIFF0123456789', 'bytes 0-13/14'],
    ['bytes=undefined', 200, 'RIFF0123456789', 'bytes 0-13/14'],
    ['bytes=4', 206, '0123456789', 'bytes 4-13/14'],
    ['bytes=4-6', 206, '012', 'bytes 4-6/14'],
    ['bytes=0-268435455', 206, 'RIFF0123456789', 'bytes 0-13/14'],
  ])('Range %s gives %i', async (range, status, body, contentRange) => {
    const response = await get(range);
    expect([response.statusCode, response.body]).toEqual([status, body]);
    expect(response.headers['content-length']).toBe(String(body.length));
    expect(response.headers['content-range']).toBe(contentRange);
    expect(response.headers['transfer-encoding']).toBeUndefined();
    await vi.waitFor(() => {
      expect(fake.file.closed).toBe(1);
    });
  });

  test('a range behind the end is 416, with the file closed', async () => {
    const response = await get('bytes=14-');
    expect(response.statusCode).toBe(416);
    expect(response.headers['content-range']).toBe('bytes */14');
    expect(response.json()).toMatchObject({ status: 416 });
    expect(fake.file.closed).toBe(1);
  });

  test('an empty file is 200 and empty', async () => {
    fake.file.bytes = Buffer.alloc(0);
    const response = await get();
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expect(response.headers['content-length']).toBe('0');
  });

  test('metadata is served, deletion is 200 and empty, and then all is gone', async () => {
    const metadata = await signed({ method: 'GET', url: url.replace('video', 'acsmetadata') });
    expect(metadata.json()).toEqual({ chunkIndex: 0 });
    const location = `/v1/objects/${DOCUMENT_ID}`;
    const removed = await signed({ method: 'DELETE', url: location });
    expect([removed.statusCode, removed.body]).toEqual([200, '']);
    expect((await signed({ method: 'DELETE', url: location })).statusCode).toBe(404);
    const gone = await get();
    expect(gone.statusCode).toBe(404);
    expect(gone.json()).toEqual({
      status: 404,
      title: 'Not Found',
      message: 'Recording content expired.',
      instance: url,
      error: { code: '8522', message: 'Recording content expired.' },
    });
  });

  test('a name that is none of ours is 404', async () => {
    for (const path of ['/v1/objects/..%2f..%2fetc/content/video', '/v1/objects/a/content/other']) {
      expect((await signed({ method: 'GET', url: path })).statusCode).toBe(404);
    }
  });

  test('a signed link reads its path without a signature, and deletes nothing', async () => {
    const made = await signed({
      method: 'POST',
      url: '/admin/links',
      body: { documentId: DOCUMENT_ID },
    });
    const link = new URL(made.json<{ url: string }>().url);
    const read = (
      path: string,
      method: 'GET' | 'DELETE' = 'GET',
    ): Promise<LightMyRequestResponse> => app.inject({ method, url: path + link.search });
    expect((await read(link.pathname)).body).toBe('RIFF0123456789');
    expect((await read(url.replace('video', 'acsmetadata'))).statusCode).toBe(401);
    expect((await read(`/v1/objects/${DOCUMENT_ID}`, 'DELETE')).statusCode).toBe(401);
  });
});

describe('content as other SDKs ask for it', () => {
  const path = `/v1/objects/${DOCUMENT_ID}/content/video`;
  const ask = (
    host: string,
    signedHost: string,
    headers: Record<string, string>,
  ): Promise<LightMyRequestResponse> => {
    const date = new Date().toUTCString();
    const hash = createHash('sha256').update('').digest('base64');
    const signature = createHmac('sha256', Buffer.from(ACCESS_KEY, 'base64'))
      .update(`GET\n${path}\n${date};${signedHost};${hash}`)
      .digest('base64');
    return app.inject({
      url: path,
      headers: {
        host,
        'x-ms-date': date,
        'x-ms-content-sha256': hash,
        authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
        ...headers,
      },
    });
  };

  test('Java: the endpoint’s host without port, also in the Host header', async () => {
    const response = await ask('tapedeck.test', 'tapedeck.test', { range: 'bytes=0-4194303' });
    expect([response.statusCode, response.headers['content-range']]).toEqual([
      206,
      'bytes 0-13/14',
    ]);
  });

  test('.NET: the endpoint’s authority, and a range far beyond the end', async () => {
    const headers = { 'x-ms-host': HOST, range: 'bytes=0-268435455' };
    const response = await ask('tapedeck.asm.skype.com:8443', HOST, headers);
    expect([response.statusCode, response.headers['content-range']]).toEqual([
      206,
      'bytes 0-13/14',
    ]);
  });

  test('Python: bytes=None, and the endpoint with the slash that the user left', async () => {
    const headers = { 'x-ms-host': 'tapedeck.test', range: 'bytes=None' };
    const response = await ask('tapedeck.asm.skype.com:8443', `${HOST}/`, headers);
    expect([response.statusCode, response.body]).toEqual([200, 'RIFF0123456789']);
  });
});

describe('administration', () => {
  test('recordings are listed with their files, newest first as the ledger gives them', async () => {
    const { ledger } = fake.services.admin;
    const recordingId = fake.services.ids.recordingId();
    vi.spyOn(ledger, 'recordings').mockResolvedValueOnce([
      {
        recordingId,
        serverCallId: fake.services.ids.serverCallId(),
        callConnectionId: undefined,
        state: 'done',
        origin: 'route',
        apiVersion: '',
        stateCallbackUri: undefined,
        journalDirectory: '/secret/path',
        documentId: DOCUMENT_ID,
        startedAtMs: 0,
        endedAtMs: 1_500,
        endReason: 'CallEnded',
        retentionMs: undefined,
      },
    ]);
    const chunk = await ledger.chunk(DOCUMENT_ID);
    vi.spyOn(ledger, 'chunksOf').mockResolvedValueOnce(chunk === undefined ? [] : [chunk]);
    const response = await signed({
      method: 'GET',
      url: '/admin/recordings?limit=7&before=2026-01-01T00:00:00Z',
    });
    expect(vi.mocked(ledger.recordings).mock.lastCall).toEqual([
      { limit: 7, before: Date.UTC(2026, 0, 1) },
    ]);
    expect(response.json()).toMatchObject({
      value: [
        {
          recordingId,
          state: 'done',
          endedAt: '1970-01-01T00:00:01.500Z',
          chunks: [{ documentId: DOCUMENT_ID, sizeBytes: 14 }],
        },
      ],
    });
    expect(response.body).not.toContain('/secret/path');
  });

  test.each(['limit=0', 'limit=501', 'limit=x', 'before=yesterday'])(
    '%s is refused',
    async (query) => {
      const response = await signed({ method: 'GET', url: `/admin/recordings?${query}` });
      expect(errorOf(response).code).toBe('8523');
    },
  );

  test('calls are listed with who is in them', async () => {
    vi.spyOn(fake.services.calls, 'calls').mockResolvedValueOnce([
      {
        serverCallId: fake.services.ids.serverCallId(),
        correlationId: 'c',
        state: 'connected',
        startedBy: '4:+15550100',
        createdAtMs: 0,
        participants: [
          { identifier: { kind: 'unknown', rawId: '8:orgid:u' }, isMuted: false, isOnHold: false },
        ],
        activeRecordings: [],
      },
    ]);
    const response = await signed({ method: 'GET', url: '/admin/calls' });
    expect(response.json()).toMatchObject({
      value: [
        {
          state: 'connected',
          participants: [
            { identifier: { kind: 'microsoftTeamsUser', microsoftTeamsUser: { userId: 'u' } } },
          ],
        },
      ],
    });
  });

  test('an event is shown with its data and every attempt', async () => {
    const event = {
      eventId: 'e1',
      kind: 'grid',
      type: 'T',
      source: '',
      subject: 's',
      occurredAtMs: 0,
      data: '{"a":1}',
    } as const;
    const delivery = {
      deliveryId: 'd1',
      eventId: 'e1',
      destination: 'hook',
      state: 'delivered',
      orderKey: undefined,
      attempts: 1,
      nextAttemptAtMs: 0,
      expiresAtMs: 0,
      maxAttempts: 30,
    } as const;
    const attempt = {
      deliveryId: 'd1',
      attempt: 1,
      startedAtMs: 0,
      durationMs: 3,
      httpStatus: 200,
      error: undefined,
    };
    vi.spyOn(fake.services.admin.outbox, 'event').mockResolvedValueOnce({
      event,
      deliveries: [delivery],
      attempts: [attempt],
    });
    const response = await signed({ method: 'GET', url: '/admin/events/e1' });
    expect(response.json()).toMatchObject({
      eventId: 'e1',
      data: { a: 1 },
      deliveries: [{ destination: 'hook', attempts: [{ attempt: 1, httpStatus: 200 }] }],
    });
  });

  test('a simulated phone is made to call', async () => {
    const body = { phone: 'alice', to: '+15550100' };
    const response = await signed({ method: 'POST', url: '/admin/sim/calls', body });
    expect([response.statusCode, response.json()]).toEqual([201, { callId: 'sip-call-id' }]);
    expect(fake.asked[0]).toEqual({ name: 'sim', command: body });
  });

  test('a subscription’s secrets stay inside', async () => {
    const response = await signed({
      method: 'PUT',
      url: '/admin/event-subscriptions/hook',
      body: { endpoint: 'http://127.0.0.1:1/', headers: { 'X-Key': 'value of the header' } },
    });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({
      name: 'hook',
      schema: 'eventgrid',
      headerNames: ['X-Key'],
    });
    expect(response.body).not.toMatch(/secret|value of the header/);
  });

  test('the validation URL needs the code and nothing else', async () => {
    const at = '/event-subscriptions/hook/validate?code=';
    expect((await app.inject({ url: `${at}secret` })).statusCode).toBe(200);
    expect((await app.inject({ url: `${at}wrong` })).statusCode).toBe(400);
  });

  test('events that are not there are 404', async () => {
    expect((await signed({ method: 'GET', url: '/admin/events/x' })).statusCode).toBe(404);
    expect((await signed({ method: 'POST', url: '/admin/events/x/redeliver' })).statusCode).toBe(
      404,
    );
  });
});

test('applications find the keys of callbacks without credentials', async () => {
  const document = await app.inject({ url: '/calling/.well-known/acsopenidconfiguration' });
  expect(document.json()).toMatchObject({ jwks_uri: 'https://localhost:8443/calling/keys' });
  const keys = await app.inject({ url: '/calling/keys' });
  expect(keys.json<{ keys: unknown[] }>().keys).toHaveLength(1);
});
