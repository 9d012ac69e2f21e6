import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  adminRequest,
  signedFetch,
  signedHeaders,
  startSimulatedCall,
} from '../support/admin-client.ts';
import { RecordingSession, type SdkCall } from '../support/recording-session.ts';

const AGENT = { phoneNumber: '+15550100' };

let session: RecordingSession;

beforeAll(async () => {
  session = await RecordingSession.open({
    flags: [
      ...['--unmixed-channels', '32'],
      // What is lenient unless these say otherwise.
      ...['--repeated-pause', 'refuse'],
      ...['--state-after-end', 'not-found'],
      ...['--omitted-types', 'audio'],
    ],
    file: {
      sim: [
        { identifier: AGENT.phoneNumber, tone: 440, answerAfter: '20ms' },
        { identifier: '+15550103', tone: 440, answerAfter: '20ms' },
        { identifier: '+15550104', tone: 440, answerAfter: '20ms' },
        { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '3s' },
      ],
      routes: [
        { to: '^\\+15550103$', action: 'registered', record: {} },
        {
          to: '^\\+15550104$',
          action: 'registered',
          record: { format: 'mp3', allowApiPause: true },
        },
      ],
    },
  });
});

afterAll(() => session.close());

describe('what cannot be done is refused while the caller listens', () => {
  const stored = (recordingDestinationContainerUrl?: string): Record<string, unknown> => ({
    recordingStorage: {
      recordingStorageKind: 'azureBlobStorage',
      recordingDestinationContainerUrl,
    },
  });
  let call: SdkCall;

  beforeAll(async () => {
    call = await session.connect(AGENT);
  });

  afterAll(() => session.hangUp(call));

  test.each<[string, Record<string, unknown>, number, string, RegExp]>([
    [
      'video',
      { recordingContent: 'audioVideo', recordingFormat: 'mp4' },
      400,
      '8562',
      /unmixed, wav/,
    ],
    [
      'MP3 with channels',
      { recordingChannel: 'unmixed', recordingFormat: 'mp3' },
      400,
      '8562',
      /mp3/,
    ],
    [
      'a channel that is not there',
      { channelAffinity: [{ channel: 32, targetParticipant: AGENT }] },
      400,
      '8523',
      /channelAffinity\[0\]\.channel.*--unmixed-channels/,
    ],
    ['a container without a URL', stored(), 400, '8523', /recordingDestinationContainerUrl/],
    ['a container that is none', stored('nonsense'), 400, '8523', /./],
    [
      'a container at a private address',
      stored('https://10.1.2.3/account/calls?sv=1&sig=c2VjcmV0'),
      400,
      '8523',
      /--allow-private-urls/,
    ],
    [
      'a container without credentials',
      stored('https://archive.blob.core.windows.net/calls'),
      403,
      '7504',
      /storageAccounts|SAS/,
    ],
  ])('%s', async (_title, options, status, code, message) => {
    const refusal = session.start(call, { recordingChannel: 'unmixed', ...options });
    await expect(refusal).rejects.toMatchObject({ status, code });
    await expect(refusal).rejects.toThrow(message);
  });
});

test('what the settings refuse is refused: repeated pauses, and the state of what is over', async () => {
  const call = await session.connect(AGENT);
  // Left out, the types are audio, mixed and WAV here.
  const types = { recordingContent: undefined, recordingChannel: undefined };
  const { recordingId } = await session.start(call, { ...types, recordingFormat: undefined });
  const refused = { status: 400, code: '8573' };
  await expect(session.sdk.call('resumeRecording', recordingId)).rejects.toMatchObject(refused);
  await session.sdk.call('pauseRecording', recordingId);
  await expect(session.sdk.call('pauseRecording', recordingId)).rejects.toMatchObject(refused);
  await session.sdk.call('resumeRecording', recordingId);
  await delay(200);
  await session.sdk.call('stopRecording', recordingId);
  for (const operation of [
    'recordingState',
    'stopRecording',
    'pauseRecording',
    'resumeRecording',
  ]) {
    const answer = session.sdk.call(operation, recordingId);
    await expect(answer).rejects.toMatchObject({ status: 404, code: '8522' });
  }
  const { recordingInfo } = await session.metadataOf(await session.finished(recordingId));
  expect(recordingInfo).toMatchObject({
    contentType: 'audio',
    channelType: 'mixed',
    format: 'wav',
  });
  await session.hangUp(call);
  expect(session.statesTold(recordingId)).toEqual(['active', 'inactive', 'active', 'inactive']);
});

describe('a recording that a route started', () => {
  /** The one that runs. */
  async function running(): Promise<string> {
    const { value } = (await adminRequest(session.server, 'GET', '/admin/recordings')) as {
      value: readonly { recordingId: string; origin: string; state: string }[];
    };
    const found = value.find(({ origin, state }) => origin === 'route' && state === 'active');
    return found?.recordingId ?? '';
  }

  async function called(to: string): Promise<string> {
    await startSimulatedCall(session.server, { phone: 'caller', to });
    await expect.poll(running, { timeout: 5_000 }).not.toBe('');
    return running();
  }

  test('is the operator’s: the API neither pauses nor stops it', async () => {
    const recordingId = await called('+15550103');
    for (const operation of ['pauseRecording', 'resumeRecording', 'stopRecording']) {
      const refusal = session.sdk.call(operation, recordingId);
      await expect(refusal).rejects.toMatchObject({ status: 403, code: '7504' });
    }
    await session.finished(recordingId);
  });

  test('is paused by the API if the route allows it, and made as the route says', async () => {
    const recordingId = await called('+15550104');
    await session.sdk.call('pauseRecording', recordingId);
    expect(await session.stateOf(recordingId)).toBe('inactive');
    await session.sdk.call('resumeRecording', recordingId);
    const chunk = await session.finished(recordingId);
    const { recordingInfo, pauseResumeIntervals } = await session.metadataOf(chunk);
    expect(recordingInfo).toMatchObject({ channelType: 'mixed', format: 'mp3' });
    expect(pauseResumeIntervals).toHaveLength(1);
  });
});

test('a file that is deleted while it is downloaded is whole or cut, and never comes back', async () => {
  const call = await session.connect(AGENT);
  // A channel far up makes the file large: what is on the way does not hold it.
  const { recordingId } = await session.start(call, {
    recordingChannel: 'unmixed',
    channelAffinity: [{ channel: 31, targetParticipant: AGENT }],
  });
  await delay(6_000);
  await session.hangUp(call);
  const chunk = await session.finished(recordingId);
  const whole = await session.download(chunk.contentLocation);
  expect(whole.length).toBeGreaterThan(5_000_000);

  const { pathname } = new URL(chunk.contentLocation);
  const url = new URL(pathname, session.server.ready.http);
  const asked = request(url, {
    headers: signedHeaders(session.server, 'GET', url, ''),
    agent: false,
  }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await session.sdk.call('deleteRecording', chunk.deleteLocation);
  const pieces: Buffer[] = [];
  const ended = await (async (): Promise<'whole' | 'cut'> => {
    try {
      for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
      return 'whole';
    } catch {
      return 'cut';
    }
  })();
  const read = Buffer.concat(pieces);
  expect(read.equals(whole.subarray(0, read.length))).toBe(true);
  expect(read.length === whole.length).toBe(ended === 'whole');
  for (const path of [pathname, new URL(chunk.metadataLocation).pathname]) {
    expect((await signedFetch(session.server, 'GET', path)).status).toBe(404);
  }
  await expect(session.sdk.call('deleteRecording', chunk.deleteLocation)).rejects.toMatchObject({
    status: 404,
  });
});
