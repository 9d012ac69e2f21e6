import { randomUUID } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedFetch } from '../support/admin-client.ts';
import {
  Azurite,
  AZURITE_ACCOUNT,
  AZURITE_KEY,
  stagedBlocks,
  visibleBlobs,
} from '../support/azurite.ts';
import {
  channelOf,
  clipOf,
  loudestDb,
  RecordingSession,
  type RecordingChunk,
  type SdkCall,
} from '../support/recording-session.ts';

const AGENT = { phoneNumber: '+15550100' };
const CALLER = { phoneNumber: '+15550199' };
const TONES_HZ = [440, 1000];
/** The first attempt after a recording is a minute later. */
const RETRY_MS = 110_000;

let azurite: Azurite;
let session: RecordingSession;
let call: SdkCall;

beforeAll(async () => {
  azurite = await Azurite.start();
  session = await RecordingSession.open({
    file: {
      sim: [
        { identifier: AGENT.phoneNumber, name: 'agent', tone: TONES_HZ[0], answerAfter: '50ms' },
        { identifier: CALLER.phoneNumber, name: 'caller', tone: TONES_HZ[1], answerAfter: '50ms' },
      ],
      storageAccounts: [{ account: AZURITE_ACCOUNT, key: AZURITE_KEY, endpoint: azurite.endpoint }],
    },
  });
  call = await session.connect(AGENT, CALLER);
});

afterAll(async () => {
  await session.hangUp(call);
  const { output } = session.server;
  await session.close();
  await azurite.stop();
  expect(output).not.toMatch(/sig=/);
  expect(output).not.toContain(AZURITE_KEY);
});

function startInto(containerUrl: string): Promise<{ readonly recordingId: string }> {
  return session.start(call, {
    recordingChannel: 'unmixed',
    // Nobody speaks: a tone alone opens no channel.
    audioChannelParticipantOrdering: [AGENT, CALLER],
    recordingStorage: {
      recordingStorageKind: 'azureBlobStorage',
      recordingDestinationContainerUrl: containerUrl,
    },
  });
}

async function expectFilesIn(
  container: ContainerClient,
  recordingId: string,
  chunk: RecordingChunk,
): Promise<void> {
  const names = await visibleBlobs(container);
  const { documentId } = chunk;
  expect(names.map((name) => name.split('/').at(-1))).toEqual([
    `0-acsmetadata.${documentId}.json`,
    `0-audiowav.${documentId}.wav`,
  ]);
  const [metadata = '', content = ''] = names;
  const folder = content.split('/').slice(0, -1).join('/');
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  expect(folder).toMatch(/^\d{8}\/[^/]+\/[^/]{8}-[0-9a-f-]{36}$/);
  expect(Number(folder.slice(0, 8))).toBeGreaterThanOrEqual(Number(day) - 1);
  expect(folder.split('/')[2]?.slice(0, 8)).toBe(recordingId.slice(0, 8));
  expect(metadata.startsWith(`${folder}/`)).toBe(true);
  const clip = clipOf(await container.getBlobClient(content).downloadToBuffer());
  expect(clip).toMatchObject({ channels: 2, sampleRateHz: 16_000 });
  const document = JSON.parse(
    (await container.getBlobClient(metadata).downloadToBuffer()).toString(),
  ) as { chunkDuration: number };
  expect(clip.samples.length / 2).toBe(document.chunkDuration * 16);
  // A tone that sets in within a window has a little of every frequency.
  TONES_HZ.forEach((tone, channel) => {
    expect(loudestDb(channelOf(clip, channel), tone)).toBeGreaterThan(-7);
    expect(loudestDb(channelOf(clip, 1 - channel), tone)).toBeLessThan(-40);
  });
}

test('a recording goes to its container while the call is on, and the event names it there', async () => {
  const container = await azurite.createContainer();
  const url = azurite.sasUrl(container.containerName);
  const { recordingId } = await startInto(url);
  // Two channels fill a block in four seconds.
  await expect.poll(() => stagedBlocks(container), { timeout: 60_000 }).toBeGreaterThanOrEqual(1);
  expect(await visibleBlobs(container)).toEqual([]);
  await session.sdk.call('stopRecording', recordingId);
  const chunk = await session.finished(recordingId);
  await expectFilesIn(container, recordingId, chunk);
  const names = await visibleBlobs(container);
  expect(chunk.contentLocation).toBe(`${container.url}/${names[1]}`);
  expect(chunk.metadataLocation).toBe(`${container.url}/${names[0]}`);
  const event = session.events.received.find(
    ({ type, data }) =>
      type.endsWith('RecordingFileStatusUpdated') && data['recordingId'] === recordingId,
  );
  expect(event?.data['storageType']).toBe('AzureBlob');
});

test('a container of a configured account needs no signature', async () => {
  const container = await azurite.createContainer();
  const { recordingId } = await startInto(container.url);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await session.sdk.call('stopRecording', recordingId);
  const chunk = await session.finished(recordingId);
  await expectFilesIn(container, recordingId, chunk);
});

test(
  'a container that may not be written gets the recording once it may; until then it is built-in',
  { timeout: RETRY_MS + 30_000 },
  async () => {
    const container = await azurite.createContainer();
    const policy = async (permissions: string): Promise<void> => {
      const accessPolicy = {
        startsOn: new Date(0),
        expiresOn: new Date(Date.now() + 3_600_000),
        permissions,
      };
      await container.setAccessPolicy(undefined, [{ id: policyId, accessPolicy }]);
    };
    const policyId = randomUUID();
    await policy('r');
    const { recordingId } = await startInto(
      azurite.policySasUrl(container.containerName, policyId),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await session.sdk.call('stopRecording', recordingId);
    const chunk = await session.finished(recordingId);
    expect(chunk.contentLocation).toContain('tapedeck.asm.skype.com');
    expect(clipOf(await session.download(chunk.contentLocation)).channels).toBe(2);
    expect(await visibleBlobs(container)).toEqual([]);
    expect(await exportOf(recordingId)).toMatchObject({ state: 'waiting', attempts: 1 });
    await policy('rcw');
    await expect
      .poll(() => exportOf(recordingId), { timeout: RETRY_MS, interval: 500 })
      .toMatchObject({ state: 'done' });
    await expectFilesIn(container, recordingId, chunk);
    const copied = await container
      .getBlobClient((await visibleBlobs(container))[1] ?? '')
      .downloadToBuffer();
    expect(copied.equals(await session.download(chunk.contentLocation))).toBe(true);
  },
);

test.each([
  ['https://127.0.0.1.nip.example/recordings', 403, '7504', /no shared access signature/],
  ['https://10.0.0.1/account/recordings?sig=c2VjcmV0', 400, '8523', /--allow-private-urls/],
  ['https://a.blob.core.windows.net/recordings/one.wav?sig=c2VjcmV0', 400, '8523', /container/],
  ['recordings', 400, '8523', /externalStorage\.recordingDestinationContainerUrl/],
])('the container %s is refused at the start', async (url, status, code, message) => {
  await expect(startInto(url)).rejects.toMatchObject({
    status,
    code,
    message: expect.stringMatching(message) as string,
  });
});

async function exportOf(recordingId: string): Promise<unknown> {
  const path = `/admin/recordings/${encodeURIComponent(recordingId)}`;
  const response = await signedFetch(session.server, 'GET', path);
  const { chunks } = (await response.json()) as { chunks: readonly { export?: unknown }[] };
  return chunks[0]?.export;
}
