import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { startSimulatedCall } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';

const AGENT = { phoneNumber: '+15550100' };
const CALLER = { phoneNumber: '+15550199' };
const RATE_HZ = 16_000;

type Properties = { readonly callConnectionId: string; readonly serverCallId: string };
type Chunk = {
  readonly contentLocation: string;
  readonly metadataLocation: string;
  readonly deleteLocation: string;
};

let server: ServerProcess;
let events: EventReceiver;

beforeAll(async () => {
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', `${events.url}grid`],
    file: {
      sim: [
        { identifier: AGENT.phoneNumber, name: 'agent', tone: 440, answerAfter: '50ms' },
        { identifier: CALLER.phoneNumber, name: 'caller', tone: 1000, answerAfter: '50ms' },
        { identifier: '+15550486', name: 'busy', refuse: 486 },
      ],
    },
  });
});

afterAll(async () => {
  events.close();
  expect(await server.stop()).toBe(0);
});

describe.each(SDK_PACKAGES)('%s', (packageName) => {
  let sdk: SdkSession;
  let callback: string;

  beforeAll(async () => {
    sdk = await SdkSession.open(server, packageName);
    callback = `${events.url}${packageName.replace(/\W/g, '')}`;
  });

  afterAll(() => {
    sdk.close();
  });

  const ofCall =
    (properties: Properties) =>
    (event: { readonly data: Readonly<Record<string, unknown>> }): boolean =>
      event.data['serverCallId'] === properties.serverCallId;

  async function connected(): Promise<Properties> {
    const call = await sdk.call<Properties>('createGroupCall', [AGENT, CALLER], callback);
    await events.next('CallConnected', ofCall(call));
    // Both are in the call once the roster has two.
    await events.next(
      'ParticipantsUpdated',
      (event) => ofCall(call)(event) && (event.data['participants'] as unknown[]).length === 2,
    );
    return call;
  }

  const recordingOf = (call: Properties): Record<string, unknown> => ({
    callLocator: { kind: 'serverCallLocator', id: call.serverCallId },
    recordingContent: 'audio',
    recordingChannel: 'mixed',
    recordingFormat: 'wav',
    recordingStateCallbackEndpointUrl: callback,
  });

  test('records two phones: start, state, stop, event, download, metadata, delete', async () => {
    const call = await connected();
    const started = await sdk.call<{ recordingId: string }>('startRecording', recordingOf(call));
    const { recordingId } = started;
    expect(await sdk.call('recordingState', recordingId)).toMatchObject({
      recordingState: 'active',
    });
    await events.next('RecordingStateChanged', (event) => event.data['state'] === 'active');
    await expect(sdk.call('startRecording', recordingOf(call))).rejects.toMatchObject({
      status: 400,
      code: '8559',
    });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await sdk.call('stopRecording', recordingId);
    expect(await sdk.call('recordingState', recordingId)).toMatchObject({
      recordingState: 'inactive',
    });

    const ready = await events.next('RecordingFileStatusUpdated', ofCall(call));
    expect(ready.data).toMatchObject({ recordingId, sessionEndReason: 'RecordingStopped' });
    const info = ready.data['recordingStorageInfo'] as { recordingChunks: Chunk[] };
    const [chunk] = info.recordingChunks;
    expect(chunk?.contentLocation).toMatch(
      /^https:\/\/tapedeck\.asm\.skype\.com:\d+\/v1\/objects\//,
    );
    const path = join(tmpdir(), `${recordingId.slice(-12)}.wav`);
    await sdk.call('download', chunk?.contentLocation, path);
    const bytes = await readFile(path);
    const wav = readWav(bytes);
    if (!wav.ok) throw new Error(wav.defect);
    expect(wav.value).toMatchObject({ sampleRateHz: RATE_HZ, channels: 1 });
    const { samples } = wav.value;
    const expectedMs = ready.data['recordingDurationMs'] as number;
    expect(samples.length).toBe(Math.round((expectedMs * RATE_HZ) / 1000));
    expect(expectedMs).toBeGreaterThan(1_900);
    // Each of the two tones, at −6 dB below full scale, in every 100 ms once media flows.
    for (let at = RATE_HZ / 2; at + 1_600 <= samples.length - 1_600; at += 1_600) {
      for (const frequencyHz of [440, 1000]) {
        const level = levelDb(toneAmplitude(samples, RATE_HZ, frequencyHz, at, 1_600));
        expect(Math.abs(level + 6)).toBeLessThan(1);
      }
    }

    const metadata = join(tmpdir(), `${recordingId.slice(-12)}.json`);
    await sdk.call('download', chunk?.metadataLocation, metadata);
    expect(JSON.parse(await readFile(metadata, 'utf8'))).toMatchObject({
      chunkIndex: 0,
      chunkDuration: expectedMs,
      recordingInfo: { format: 'wav', channelType: 'mixed' },
      participants: expect.arrayContaining([
        { participantId: '4:+15550100' },
        { participantId: '4:+15550199' },
      ]) as unknown,
    });

    const before = await readdir(join(server.dataDirectory, 'journals'));
    await sdk.call('deleteRecording', chunk?.deleteLocation);
    await expect(sdk.call('download', chunk?.contentLocation, path)).rejects.toMatchObject({
      status: 404,
    });
    await expect(sdk.call('deleteRecording', chunk?.deleteLocation)).rejects.toMatchObject({
      status: 404,
    });
    const after = await readdir(join(server.dataDirectory, 'journals'));
    expect(after.length).toBe(before.length - 1);
    await sdk.call('hangUp', call.callConnectionId, true);
    await events.next('CallDisconnected', ofCall(call));
  });

  test('a call that comes in is offered, answered, recorded, and its file comes when it ends', async () => {
    await startSimulatedCall(server, { phone: 'caller', to: '+15559999' });
    const incoming = await events.next('IncomingCall');
    expect(incoming.data).toMatchObject({
      from: { rawId: '4:+15550199' },
      to: { rawId: '4:+15559999' },
    });
    const call = await sdk.call<Properties>(
      'answerCall',
      incoming.data['incomingCallContext'],
      callback,
    );
    const connectedEvent = await events.next('CallConnected', ofCall(call));
    expect(connectedEvent.headers.authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    await sdk.call('startRecording', recordingOf(call));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await sdk.call('hangUp', call.callConnectionId, true);
    const ready = await events.next('RecordingFileStatusUpdated', ofCall(call));
    expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });
  });

  test('a busy phone is a CreateCallFailed with its SIP status', async () => {
    const call = await sdk.call<Properties>(
      'createCall',
      { targetParticipant: { phoneNumber: '+15550486' } },
      callback,
    );
    const failed = await events.next('CreateCallFailed', ofCall(call));
    expect(failed.data).toMatchObject({
      resultInformation: { code: 486, sipDetails: { code: 486 } },
    });
  });
});
