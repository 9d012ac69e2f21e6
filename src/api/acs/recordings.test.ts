import { describe, expect, test, vi } from 'vitest';
import { ApiHarness, errorOf, VERSION } from '../../../test/support/api-harness.ts';
import { TapedeckError } from '../../core/error.ts';

const api = new ApiHarness();

describe('recordings', () => {
  test('start answers 200, get 200, stop 204', async () => {
    const started = await api.start(
      api.startBody({ recordingStateCallbackUri: 'http://a.test/s' }),
    );
    expect(started.statusCode).toBe(200);
    const body = started.json<{ recordingId: string }>();
    expect(body).toMatchObject({
      recordingState: 'active',
      recordingKind: 'azureCommunicationServices',
    });
    const url = `/calling/recordings/${body.recordingId}?${VERSION}`;
    expect((await api.signed({ method: 'GET', url })).statusCode).toBe(200);
    const stopped = await api.signed({ method: 'DELETE', url });
    expect([stopped.statusCode, stopped.body]).toEqual([204, '']);
    expect(api.fake.asked[0]?.command).toMatchObject({
      contentType: 'audio',
      stateCallbackUri: 'http://a.test/s',
      apiVersion: '2026-03-12',
    });
  });

  test('enum values count in any case, and a locator needs no kind', async () => {
    const id = api.fake.services.ids.serverCallId();
    const response = await api.start(
      api.startBody({
        callLocator: { serverCallId: id },
        recordingContentType: 'Audio',
        recordingFormatType: 'WAV',
      }),
    );
    expect(response.statusCode).toBe(200);
    expect(api.fake.asked[0]?.command).toMatchObject({ call: { serverCallId: id } });
  });

  test('a connection’s id serves as well', async () => {
    const callConnectionId = api.fake.services.ids.callConnectionId();
    await api.start(api.startBody({ callLocator: undefined, callConnectionId }));
    expect(api.fake.asked[0]?.command).toMatchObject({ call: { callConnectionId } });
  });

  test.each([
    [400, '8523', { recordingContentType: 'smell' }],
    [400, '8523', { callLocator: undefined }],
    [400, '8523', { callConnectionId: 'x' }],
    [400, '8523', { callLocator: {} }],
    [400, '8523', { callLocator: { kind: 'serverCallLocator' } }],
    [400, '8523', { recordingStateCallbackUri: 'nonsense' }],
    [400, '8523', { pauseOnStart: 'yes' }],
    [400, '8562', { recordingFormatType: undefined }],
    [400, '8562', { recordingFormatType: 'mp4' }],
    [400, '8562', { recordingChannelType: 'unmixed', recordingFormatType: 'mp3' }],
    [400, '8562', { recordingChannelType: 'unmixed', recordingFormatType: 'mp4' }],
    [400, '8562', { recordingContentType: 'audioVideo' }],
    [400, '8562', { recordingContentType: 'audioVideo', recordingFormatType: 'mp3' }],
    [400, '8562', { recordingContentType: 'audioVideo', recordingFormatType: 'mp4' }],
    [405, '8520', { callLocator: { kind: 'roomCallLocator', roomId: 'r' } }],
    [400, '8523', { callLocator: { kind: 'groupCallLocator' } }],
    [404, '8522', { callLocator: { kind: 'serverCallLocator', serverCallId: 'made-up' } }],
  ])('%i/%s for %j', async (status, code, extra) => {
    const response = await api.start(api.startBody(extra));
    expect(response.statusCode).toBe(status);
    expect(errorOf(response).code).toBe(code);
    expect(api.fake.asked).toHaveLength(0);
  });

  test('what Python always sends is no hindrance', async () => {
    const response = await api.start(
      api.startBody({
        channelAffinity: [],
        pauseOnStart: null,
        externalStorage: { recordingStorageKind: 'AzureCommunicationServices' },
      }),
    );
    expect(response.statusCode).toBe(200);
  });

  test.each([
    ['mixed', 'wav'],
    ['mixed', 'mp3'],
    ['unmixed', 'wav'],
  ])('%s %s starts', async (recordingChannelType, recordingFormatType) => {
    const shape = { recordingChannelType, recordingFormatType };
    expect((await api.start(api.startBody(shape))).statusCode).toBe(200);
    expect(api.fake.asked[0]?.command).toMatchObject({
      contentType: 'audio',
      channelType: recordingChannelType,
      formatType: recordingFormatType,
    });
  });

  test('a mode that is not supported is answered with those that are', async () => {
    const { message } = errorOf(
      await api.start(api.startBody({ recordingContentType: undefined })),
    );
    expect(message).toContain('audioVideo, mixed, wav');
    expect(message).toContain('audio, mixed, wav; audio, mixed, mp3; audio, unmixed, wav');
  });

  test('pauseOnStart is handed on, and answered with the state that it leads to', async () => {
    const start = vi.spyOn(api.fake.services.calls, 'startRecording');
    const recordingId = api.fake.services.ids.recordingId();
    start.mockResolvedValueOnce({ recordingId, state: 'inactive' });
    const response = await api.start(api.startBody({ pauseOnStart: true }));
    expect(response.json()).toMatchObject({ recordingId, recordingState: 'inactive' });
    expect(start.mock.lastCall?.[0]).toMatchObject({ pauseOnStart: true });
    start.mockRestore();
  });

  test.each([
    ['pause', 'pauseRecording'],
    ['resume', 'resumeRecording'],
  ])('%s answers 202 with nothing', async (verb, useCase) => {
    const url = `/calling/recordings/${api.fake.services.ids.recordingId()}:${verb}?${VERSION}`;
    const response = await api.signed({ method: 'POST', url });
    expect([response.statusCode, response.body]).toEqual([202, '']);
    expect(api.fake.asked.map(({ name }) => name)).toEqual([useCase]);
    api.fake.failing.set(useCase, new TapedeckError('pause-not-allowed', 'It is paused.'));
    const refused = await api.signed({ method: 'POST', url });
    expect([refused.statusCode, errorOf(refused).code]).toEqual([400, '8573']);
  });

  test('too much at a time is 429 with the sub-code of recordings and Retry-After', async () => {
    api.fake.failing.set('startRecording', new TapedeckError('too-many-requests', 'busy'));
    const response = await api.start(api.startBody());
    expect([response.statusCode, errorOf(response).code]).toEqual([429, '8589']);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('a container of the caller’s', () => {
  const URL = 'https://archive.blob.core.windows.net/calls?sv=1&sig=secret';
  const field = 'externalStorage.recordingDestinationContainerUrl';
  const stored = (url?: string): object =>
    api.startBody({
      externalStorage: {
        recordingStorageKind: 'AzureBlobStorage',
        ...(url !== undefined && { recordingDestinationContainerUrl: url }),
      },
    });

  test('is checked at the start and handed on', async () => {
    expect((await api.start(stored(URL))).statusCode).toBe(200);
    expect(api.fake.asked[0]).toEqual({ name: 'checkContainer', command: URL });
    expect(api.fake.asked[1]?.command).toMatchObject({ containerUrl: URL });
  });

  test.each([undefined, ''])('has to have a URL: %s', async (url) => {
    const response = await api.start(stored(url));
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
    expect(api.fake.asked).toEqual([]);
  });

  test.each([
    ['argument-invalid', 400, '8523'],
    ['url-refused', 400, '8523'],
    ['not-permitted', 403, '7504'],
  ] as const)('%s is answered %i/%s without the URL', async (code, status, subCode) => {
    api.fake.failing.set('checkContainer', new TapedeckError(code, 'why; --allow-private-urls'));
    const response = await api.start(stored(URL));
    expect(response.statusCode).toBe(status);
    expect(errorOf(response)).toMatchObject({ code: subCode, target: field });
    expect(errorOf(response).message).toContain('--allow-private-urls');
    expect(response.body).not.toContain('secret');
  });

  test('is none with the built-in storage, whatever URL stands there', async () => {
    const externalStorage = {
      recordingStorageKind: 'azureCommunicationServices',
      recordingDestinationContainerUrl: 'nonsense',
    };
    expect((await api.start(api.startBody({ externalStorage }))).statusCode).toBe(200);
    expect(api.fake.asked.map(({ name }) => name)).toEqual(['startRecording']);
    expect(api.fake.asked[0]?.command).not.toHaveProperty('containerUrl');
  });
});

describe('ids with slashes, dots and percent signs', () => {
  const ODD = ['../../etc/passwd', 'a..b', 'a/b', 'a%2Fb', '%', '%2e%2e', 'a:pause', '~pause'];

  test.each(ODD)('%s names no recording', async (id) => {
    const path = `/calling/recordings/${encodeURIComponent(id)}`;
    for (const [method, url] of [
      ['GET', path],
      ['DELETE', path],
      ['POST', `${path}:pause`],
      ['POST', `${path}:resume`],
    ] as const) {
      const response = await api.signed({ method, url: `${url}?${VERSION}` });
      expect([response.statusCode, errorOf(response).code]).toEqual([404, '8522']);
    }
    expect(api.fake.asked).toEqual([]);
  });

  test.each(ODD)('%s locates no call', async (id) => {
    for (const extra of [
      { callLocator: { kind: 'serverCallLocator', serverCallId: id } },
      { callLocator: undefined, callConnectionId: id },
    ]) {
      const response = await api.start(api.startBody(extra));
      expect([response.statusCode, errorOf(response).code]).toEqual([404, '8522']);
    }
  });

  test('as they are, not encoded, they are refused as well', async () => {
    for (const id of ['a/b', '%', '%zz', '%c3%28', '..%2f..%2fetc']) {
      const url = `/calling/recordings/${id}?${VERSION}`;
      const response = await api.signed({ method: 'GET', url });
      expect([400, 404]).toContain(response.statusCode);
      expect(['8522', '8523']).toContain(errorOf(response).code);
    }
  });
});
