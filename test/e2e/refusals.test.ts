import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../contract/until.ts';
import { signedFetch } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';

const API = 'api-version=2026-03-12';
const SHAPE = {
  recordingContentType: 'audio',
  recordingChannelType: 'mixed',
  recordingFormatType: 'wav',
};

type Properties = { readonly callConnectionId: string; readonly serverCallId: string };
type ErrorBody = {
  readonly error: { readonly code: string; readonly message: string; readonly target: string };
};

let server: ServerProcess;
let events: EventReceiver;
/** With one phone, up. */
let call: Properties;
/** Its phone rings and rings. */
let ringing: Properties;
/** It is over. */
let over: Properties;

beforeAll(async () => {
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      sim: [
        { identifier: '+15550100', tone: 440, answerAfter: '20ms' },
        { identifier: '+15550101', neverAnswers: true },
      ],
    },
  });
  call = await create('+15550100');
  ringing = await create('+15550101');
  over = await create('+15550100');
  await Promise.all([call, over].map((one) => connected(one)));
  await post(`calling/callConnections/${over.callConnectionId}:terminate`, undefined);
});

afterAll(async () => {
  events.close();
  expect(await server.stop()).toBe(0);
});

const post = (
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => signedFetch(server, 'POST', `/${path}?${API}`, body, headers);

const connected = (one: Properties): Promise<unknown> =>
  events.next('CallConnected', (event) => event.data['serverCallId'] === one.serverCallId);

async function create(number: string): Promise<Properties> {
  const response = await post('calling/callConnections', {
    targets: [{ kind: 'phoneNumber', phoneNumber: { value: number } }],
    callbackUri: `${events.url}callbacks`,
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Properties;
}

const start = (
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => post('calling/recordings', { ...SHAPE, ...body }, headers);

const locate = (serverCallId: string): { callLocator: object } => ({
  callLocator: { kind: 'serverCallLocator', serverCallId },
});

/** Status, sub-code and the named field of a refusal. */
async function refusal(response: Response): Promise<readonly [number, string, string | null]> {
  const { error } = (await response.json()) as ErrorBody;
  expect(error.message).not.toBe('');
  return [response.status, error.code, error.target];
}

describe('ids', () => {
  test('that nobody issued, or whose call never was, are 404/8522', async () => {
    const forged = `${call.callConnectionId.slice(0, -4)}AAAA`;
    const gets = [
      `/calling/callConnections/${forged}`,
      `/calling/callConnections/${forged}/participants`,
      `/calling/callConnections/${call.callConnectionId}/participants/4%3A%2B15559999`,
      '/calling/recordings/nothing',
    ];
    for (const path of gets) {
      const answer = await signedFetch(server, 'GET', `${path}?${API}`);
      expect((await refusal(answer)).slice(0, 2)).toEqual([404, '8522']);
    }
    const stopped = await signedFetch(server, 'DELETE', `/calling/recordings/nothing?${API}`);
    expect((await refusal(stopped)).slice(0, 2)).toEqual([404, '8522']);
    const started = await start(locate('bm90aGluZw=='));
    expect((await refusal(started)).slice(0, 2)).toEqual([404, '8522']);
    const answered = await post('calling/callConnections:answer', {
      incomingCallContext: 'nothing',
      callbackUri: events.url,
    });
    expect(await refusal(answered)).toEqual([404, '8522', 'incomingCallContext']);
  });

  test('of calls in the wrong state say which', async () => {
    expect(await refusal(await start(locate(ringing.serverCallId)))).toEqual([400, '8501', null]);
    const ended = await start(locate(over.serverCallId));
    expect((await refusal(ended)).slice(0, 2)).toEqual([400, '8528']);
    const byConnection = await start({ callConnectionId: over.callConnectionId });
    expect((await refusal(byConnection)).slice(0, 2)).toEqual([400, '8528']);
    const path = `calling/callConnections/${over.callConnectionId}:terminate`;
    expect((await refusal(await post(path, undefined))).slice(0, 2)).toEqual([400, '8528']);
  });
});

describe('fields', () => {
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['recordingFormatType', { recordingFormatType: 'flac' }],
    ['recordingChannelType', { recordingChannelType: 'stereo' }],
    ['recordingContentType', { recordingContentType: 7 }],
    ['recordingStateCallbackUri', { recordingStateCallbackUri: 'ftp://nowhere' }],
    ['channelAffinity[0].channel', { channelAffinity: [{ channel: 5 }] }],
    ['callLocator.kind', { callLocator: { kind: 'bathroom' } }],
    ['callLocator.serverCallId', { callLocator: { kind: 'serverCallLocator' } }],
    ['callLocator', { callLocator: undefined }],
    ['callLocator', { callConnectionId: 'x', callLocator: { serverCallId: 'y' } }],
    ['pauseOnStart', { pauseOnStart: 'yes' }],
  ])('a start with a wrong %s is 400/8523 and says so', async (field, body) => {
    const response = await start({ ...locate(call.serverCallId), ...body });
    expect(await refusal(response)).toEqual([400, '8523', field]);
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['targets', { targets: [] }],
    ['targets', { targets: undefined }],
    ['targets[0]', { targets: [{ kind: 'phoneNumber' }] }],
    ['callbackUri', { callbackUri: 'nowhere' }],
    ['callbackUri', { callbackUri: 'http://10.1.2.3/hook' }],
    ['callbackUri', { callbackUri: 'http://[::ffff:169.254.169.254]/hook' }],
    ['callbackUri', { callbackUri: undefined }],
    ['operationContext', { operationContext: 'x'.repeat(5_001) }],
  ])('a call with a wrong %s is 400/8523 and says so', async (field, body) => {
    const response = await post('calling/callConnections', {
      targets: [{ rawId: '4:+15550100' }],
      callbackUri: events.url,
      ...body,
    });
    expect(await refusal(response)).toEqual([400, '8523', field]);
  });

  test('an api-version is needed', async () => {
    const response = await signedFetch(server, 'POST', '/calling/recordings', SHAPE);
    expect(await refusal(response)).toEqual([400, '8523', 'api-version']);
  });
});

describe('what is not built', () => {
  test.each([
    ['audio', 'mixed', 'mp4'],
    ['audio', 'unmixed', 'mp3'],
    ['audioVideo', 'mixed', 'mp4'],
    ['audioVideo', 'mixed', 'wav'],
    ['audioVideo', 'unmixed', 'mp4'],
  ])('recording %s, %s, %s is 400/8562', async (content, channel, format) => {
    const response = await start({
      ...locate(call.serverCallId),
      recordingContentType: content,
      recordingChannelType: channel,
      recordingFormatType: format,
    });
    expect((await refusal(response)).slice(0, 2)).toEqual([400, '8562']);
  });

  test('every other operation is 405/8520', async () => {
    const { callConnectionId: id } = call;
    const verbs = [
      ...['startTranscription', 'stopTranscription', 'updateTranscription'],
      ...['interruptAudioAndAnnounce', 'participants:unmute'],
    ];
    for (const verb of verbs) {
      const separator = verb.includes(':') ? '/' : ':';
      const path = `calling/callConnections/${id}${separator}${verb}`;
      expect((await refusal(await post(path, {}))).slice(0, 2)).toEqual([405, '8520']);
    }
  });

  test('streams of a call that was taken without options for them are 405/8522', async () => {
    for (const verb of ['startMediaStreaming', 'stopMediaStreaming']) {
      const answer = await post(`calling/callConnections/${call.callConnectionId}:${verb}`, {});
      expect(await refusal(answer)).toEqual([405, '8522', 'mediaStreamingOptions']);
    }
  });

  test('is an error of the SDK with its sub-code', async () => {
    const sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
    await expect(
      sdk.call('media', call.callConnectionId, 'startTranscription', { locale: 'en-US' }),
    ).rejects.toMatchObject({
      status: 405,
      code: '8520',
    });
    sdk.close();
  });
});

describe('signatures', () => {
  test('that are wrong are 401/7509, and the log has what should have been signed', async () => {
    const path = `/calling/recordings/nothing?${API}&tag=${randomUUID()}`;
    const right = await signedFetch(server, 'GET', path);
    expect(right.status).toBe(404);
    const wrong = await fetch(new URL(path, server.ready.http), {
      headers: {
        'x-ms-date': new Date().toUTCString(),
        'x-ms-content-sha256': '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
        authorization:
          'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      },
    });
    expect(await refusal(wrong)).toEqual([401, '7509', null]);
    const { host } = new URL(server.ready.http);
    await until('the log line', () => server.output.includes(path));
    const line = server.output.split('\n').find((text) => text.includes(path));
    const { expectedStringToSign } = JSON.parse(line ?? '{}') as Record<string, string>;
    const [verb, url, rest] = expectedStringToSign?.split('\n') ?? [];
    expect([verb, url]).toEqual(['GET', path]);
    expect(rest).toMatch(new RegExp(`^\\w{3}, .* GMT;${host};47DEQpj8`));
  });
});

describe('a request that comes again', () => {
  const repeated = (): Record<string, string> => ({
    'repeatability-request-id': randomUUID(),
    'repeatability-first-sent': new Date().toUTCString(),
  });

  test('creates one call and starts one recording, and is answered the same, byte by byte', async () => {
    const headers = repeated();
    const body = { targets: [{ rawId: '4:+15550100' }], callbackUri: events.url };
    const answers = await Promise.all(
      [1, 2, 3].map(async () => {
        const response = await post('calling/callConnections', body, headers);
        return [response.status, await response.text()];
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const [status, text] = answers[0] ?? [];
    expect(status).toBe(201);
    const created = JSON.parse(String(text)) as Properties;
    await connected(created);

    const again = repeated();
    const first = await start(locate(created.serverCallId), again);
    const second = await start(locate(created.serverCallId), again);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await second.text()).toBe(await first.text());
    const other = await start(locate(created.serverCallId), repeated());
    expect((await refusal(other)).slice(0, 2)).toEqual([400, '8559']);

    const ending = repeated();
    const path = `calling/callConnections/${created.callConnectionId}:terminate`;
    expect((await post(path, undefined, ending)).status).toBe(204);
    expect((await post(path, undefined, ending)).status).toBe(204);
    const late = await start(locate(created.serverCallId), again);
    expect(late.status).toBe(200);
  });
});

// Two servers are started, one after the other.
test(
  'a request that comes again after a restart is answered the same',
  { timeout: 90_000 },
  async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'tapedeck-repeat-'));
    const sent = async (): Promise<string> => {
      const own = await ServerProcess.start({ dataDirectory });
      const response = await signedFetch(
        own,
        'POST',
        `/calling/callConnections?${API}`,
        { targets: [{ rawId: 'sip:nobody@127.0.0.1:9' }], callbackUri: events.url },
        { 'repeatability-request-id': 'b8f5c3f4-6f0e-4a3e-8d0a-1c5b6f1f2a11' },
      );
      const answer = `${response.status} ${await response.text()}`;
      expect(await own.stop()).toBe(0);
      return answer;
    };
    const first = await sent();
    expect(first).toMatch(/^201 .*"callConnectionId"/);
    expect(await sent()).toBe(first);
    await rm(dataDirectory, { recursive: true });
  },
);

describe('recording content', () => {
  test('honours every kind of range, and says its length and place', async () => {
    const started = await start(locate(call.serverCallId));
    const { recordingId } = (await started.json()) as { recordingId: string };
    await new Promise((resolve) => setTimeout(resolve, 300));
    await signedFetch(server, 'DELETE', `/calling/recordings/${recordingId}?${API}`);
    const ready = await events.next('RecordingFileStatusUpdated', (event) => {
      return event.data['recordingId'] === recordingId;
    });
    const { recordingChunks } = ready.data['recordingStorageInfo'] as {
      recordingChunks: [{ contentLocation: string; metadataLocation: string }];
    };
    const [{ contentLocation, metadataLocation }] = recordingChunks;
    const get = (location: string, range?: string): Promise<Response> =>
      signedFetch(server, 'GET', new URL(location).pathname, undefined, {
        ...(range === undefined ? {} : { range }),
      });
    const whole = await get(contentLocation);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const size = bytes.length;
    expect(whole.headers.get('content-range')).toBe(`bytes 0-${size - 1}/${size}`);
    expect(whole.headers.get('content-encoding')).toBeNull();
    const cases: [string, number, number, number][] = [
      ['bytes=undefined', 200, 0, size],
      ['bytes=None', 200, 0, size],
      ['bytes=5', 206, 5, size],
      ['bytes=0', 206, 0, size],
      ['bytes=5-', 206, 5, size],
      ['bytes=5-9', 206, 5, 10],
      ['bytes=-4', 206, size - 4, size],
      ['bytes=0-268435455', 206, 0, size],
    ];
    for (const [range, status, from, to] of cases) {
      const part = await get(contentLocation, range);
      expect([range, part.status]).toEqual([range, status]);
      expect(part.headers.get('content-length')).toBe(String(to - from));
      expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${size}`);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to))).toBe(true);
    }
    const behind = await get(contentLocation, `bytes=${size}-`);
    expect(behind.status).toBe(416);
    expect(await behind.json()).toMatchObject({
      status: 416,
      message: expect.any(String) as string,
    });

    const metadata = (await (await get(metadataLocation)).json()) as Record<string, unknown>;
    expect(metadata).toEqual({
      resourceId: 'tapedeck',
      callId: ready.data['correlationId'],
      chunkDocumentId: new URL(contentLocation).pathname.split('/')[3],
      chunkIndex: 0,
      chunkStartTime: ready.data['recordingStartTime'],
      chunkDuration: ready.data['recordingDurationMs'],
      pauseResumeIntervals: [],
      recordingInfo: {
        contentType: 'audio',
        channelType: 'mixed',
        format: 'wav',
        audioConfiguration: { sampleRate: 16_000, bitRate: 256_000, channels: 1 },
      },
      participants: [{ participantId: '4:+15550100' }],
      tapedeck: expect.objectContaining({ sizeBytes: size, recordingId }) as unknown,
    });
    const missing = await signedFetch(server, 'GET', '/v1/objects/0-td-1-none/content/video');
    expect(await missing.json()).toEqual({
      status: 404,
      title: 'Not Found',
      message: expect.any(String) as string,
      instance: '/v1/objects/0-td-1-none/content/video',
      error: expect.objectContaining({ code: '8522' }) as unknown,
    });
  });
});
