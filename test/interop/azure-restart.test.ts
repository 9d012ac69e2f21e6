import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Azurite, stagedBlocks, visibleBlobs } from '../support/azurite.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { clipOf, type RecordingChunk } from '../support/recording-session.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess, type ServerOptions } from '../support/server-process.ts';

const AGENT = { phoneNumber: '+15550100' };
const CALLER = { phoneNumber: '+15550199' };

let azurite: Azurite;
let events: EventReceiver;
let dataDirectory: string;

beforeAll(async () => {
  azurite = await Azurite.start();
  events = await EventReceiver.open();
  dataDirectory = await mkdtemp(join(tmpdir(), 'tapedeck-azure-'));
});
afterAll(async () => {
  events.close();
  await azurite.stop();
  await rm(dataDirectory, { recursive: true });
});

test('a recording whose server dies in the middle of the copy is in its container after the restart', async () => {
  const container = await azurite.createContainer();
  const options: ServerOptions = {
    dataDirectory,
    flags: ['--event-webhook', `${events.url}grid`],
    file: {
      sim: [
        { identifier: AGENT.phoneNumber, name: 'agent', tone: 440, answerAfter: '50ms' },
        { identifier: CALLER.phoneNumber, name: 'caller', tone: 1000, answerAfter: '50ms' },
      ],
    },
  };
  const server = await ServerProcess.start(options);
  const sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
  const call = await sdk.call<{ serverCallId: string }>(
    'createGroupCall',
    [AGENT, CALLER],
    `${events.url}callbacks`,
  );
  await events.next('CallConnected');
  await sdk.call('startRecording', {
    callLocator: { kind: 'serverCallLocator', id: call.serverCallId },
    recordingContent: 'audio',
    recordingChannel: 'unmixed',
    // Nobody speaks: a tone alone opens no channel.
    audioChannelParticipantOrdering: [AGENT, CALLER],
    recordingFormat: 'wav',
    recordingStorage: {
      recordingStorageKind: 'azureBlobStorage',
      recordingDestinationContainerUrl: azurite.sasUrl(container.containerName),
    },
  });
  await expect.poll(() => stagedBlocks(container), { timeout: 60_000 }).toBeGreaterThan(0);
  sdk.close();
  await server.kill();
  expect(await visibleBlobs(container)).toEqual([]);

  const restarted = await ServerProcess.start(options);
  const { data } = await events.next('RecordingFileStatusUpdated', undefined, 30_000);
  expect(data['storageType']).toBe('AzureBlob');
  const info = data['recordingStorageInfo'] as { recordingChunks: readonly RecordingChunk[] };
  const [metadata = '', content = ''] = await visibleBlobs(container);
  expect(info.recordingChunks).toMatchObject([
    {
      contentLocation: `${container.url}/${content}`,
      metadataLocation: `${container.url}/${metadata}`,
    },
  ]);
  const copy = await container.getBlobClient(content).downloadToBuffer();
  const documentId = info.recordingChunks[0]?.documentId ?? '';
  const local = await readFile(join(dataDirectory, 'blobs/recordings', `${documentId}.wav`));
  expect(copy.equals(local)).toBe(true);
  // It died after more than a block, four seconds of two channels.
  expect(clipOf(copy).samples.length / 2).toBeGreaterThan(4 * 16_000);
  expect(await stagedBlocks(container)).toBe(0);
  expect(await restarted.stop()).toBe(0);
});
