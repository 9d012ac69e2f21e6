import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReceivedEvent } from '../support/event-receiver.ts';
import { signedFetch } from '../support/admin-client.ts';
import { until } from '../contract/until.ts';
import { atLeast, atMost, given, near, same } from './checks.ts';
import type { CallOfLane } from './lane-run.ts';
import type { Evidence } from './protocol.ts';
import {
  type ChannelContent,
  contentOfMp3,
  contentOfWav,
  type RecordingContent,
} from './recording-content.ts';
import { ALICE, BOB, type Stage } from './stage.ts';
import { type Climb, missingMs } from './staircase.ts';
import type { Step } from './steps.ts';

/** What is said while a request is on its way may be on either side of it. */
const SLACK_MS = 100;
/** Of a file, so much is heard: the rest is the edges of calls and packets. */
const LEAST_HEARD = 0.85;

type Scene = { readonly stage: Stage; readonly call: CallOfLane | undefined };

type Chunk = {
  readonly documentId: string;
  readonly contentLocation: string;
  readonly metadataLocation: string;
  readonly deleteLocation: string;
};

/** Throws, with the reason, if a step did not have the effect that it has to have. */
export async function judge(step: Step, evidence: Evidence, scene: Scene): Promise<void> {
  await JUDGES[step](evidence, scene);
}

type StepJudge = (evidence: Evidence, scene: Scene) => Promise<void> | void;

const JUDGES: Readonly<Record<Step, StepJudge>> = {
  // What a client is good for shows in the steps after it.
  client: () => undefined,
  start: (evidence, scene) => isInState(evidence, scene, ['active']),
  state: ({ state }) => {
    same(state, 'active', 'state');
  },
  pause: (evidence, scene) => isInState(evidence, scene, ['active', 'inactive']),
  resume: (evidence, scene) => isInState(evidence, scene, ['active', 'inactive', 'active']),
  stop: (evidence, scene) =>
    isInState(evidence, scene, ['active', 'inactive', 'active', 'inactive']),
  event: (evidence, scene) => {
    const event = fileEventOf(evidence, scene);
    isOfStep(event, { recordingChannelType: 'Unmixed', recordingFormatType: 'Wav' });
    const chunk = chunkOf(event);
    for (const name of ['contentLocation', 'metadataLocation', 'deleteLocation'] as const) {
      same(evidence[name], chunk[name], name);
    }
  },
  download: async ({ file }, scene) => {
    const content = await contentOfWav(given(file, 'file'));
    isUnmixed(content);
    hasOnePause(content, scene);
  },
  stream: sameAsDownloaded,
  ranges: sameAsDownloaded,
  metadata: async (evidence, scene) => {
    const file = given(evidence.file, 'file');
    const content = await contentOfWav(join(file, '..', 'call.wav'));
    isMetadataOf(content, JSON.parse(await readFile(file, 'utf8')));
    const { data } = fileEventOf(evidence, scene);
    near(Number(data['recordingDurationMs']), content.durationMs, 1, 'recordingDurationMs');
  },
  delete: async (evidence, scene) => {
    same(evidence.status, 404, 'status of a download after the deletion');
    const { contentLocation, metadataLocation } = chunkOf(fileEventOf(evidence, scene));
    for (const location of [contentLocation, metadataLocation]) {
      const { status } = await signedFetch(scene.stage.server, 'GET', new URL(location).pathname);
      same(status, 404, `status of ${new URL(location).pathname} after the deletion`);
    }
  },
  mixed: async (evidence, scene) => {
    isOfStep(fileEventOf(evidence, scene), {
      recordingChannelType: 'Mixed',
      recordingFormatType: 'Wav',
    });
    const content = await contentOfWav(given(evidence.file, 'file'));
    isMixed(content);
    isUnbroken(content, scene);
  },
  mp3: async (evidence, scene) => {
    isOfStep(fileEventOf(evidence, scene), {
      recordingChannelType: 'Mixed',
      recordingFormatType: 'Mp3',
    });
    const content = await contentOfMp3(given(evidence.file, 'file'));
    isMixed(content);
    isUnbroken(content, scene);
  },
  connection: async ({ file }, scene) => {
    const content = await contentOfWav(given(file, 'file'));
    isUnmixed(content);
    isUnbroken(content, scene);
  },
  container: async (evidence, scene) => {
    const event = fileEventOf(evidence, scene);
    same(event.data['storageType'], 'AzureBlob', 'storageType');
    const { container } = callOf(scene);
    const { contentLocation, metadataLocation } = chunkOf(event);
    same(evidence.contentLocation, contentLocation, 'contentLocation');
    const file = join(scene.stage.directory, 'from-container.wav');
    await container.getBlobClient(blobName(contentLocation, container.url)).downloadToFile(file);
    const content = await contentOfWav(file);
    isUnmixed(content);
    isUnbroken(content, scene);
    const metadata = container.getBlobClient(blobName(metadataLocation, container.url));
    const document: unknown = JSON.parse((await metadata.downloadToBuffer()).toString());
    channelsAgree(content, document);
  },
  pauseOnStart: async (evidence, scene) => {
    same(evidence.state, 'inactive', 'state before the resume');
    const states = statesOf(evidence, scene);
    same(states.filter((state) => state === 'active').length, 1, 'times active');
    const content = await contentOfWav(given(evidence.file, 'file'));
    isUnmixed(content);
    const [before, after] = callOf(scene).speeches;
    const climb = onlyClimb(content);
    const since = performance.now() - given(before, 'first speech').toMs;
    atLeast(content.durationMs, lengthOf(after) - SLACK_MS, 'length of the file');
    atMost(content.durationMs, since + SLACK_MS, 'length of the file');
    hearsAll(content, [climb]);
  },
  ordering: async ({ file }, scene) => {
    const content = await contentOfWav(given(file, 'file'));
    isUnmixed(content);
    same(content.channels[0]?.hasBob, true, 'bob on channel 0');
    isUnbroken(content, scene);
  },
  affinity: async ({ file }, scene) => {
    const content = await contentOfWav(given(file, 'file'));
    isUnmixed(content);
    same(content.channels[0]?.hasNoBob, true, 'alice on channel 0');
    isUnbroken(content, scene);
  },
};

/** The transitions so far, once each, and the state that the SDK was told. */
async function isInState(
  evidence: Evidence,
  scene: Scene,
  expected: readonly string[],
): Promise<void> {
  same(evidence.state, expected.at(-1), 'state');
  const seen = (): readonly string[] => statesOf(evidence, scene);
  await until(`${expected.length} RecordingStateChanged`, () => seen().length >= expected.length);
  same(seen().join(), expected.join(), 'RecordingStateChanged');
}

function statesOf({ recordingId }: Evidence, { stage }: Scene): readonly string[] {
  return stage.events.received
    .filter(
      ({ type, data }) =>
        type === 'Microsoft.Communication.RecordingStateChanged' &&
        data['recordingId'] === given(recordingId, 'recordingId'),
    )
    .map(({ data }) => String(data['state']));
}

function fileEventOf({ recordingId }: Evidence, { stage }: Scene): ReceivedEvent {
  const found = stage.events.received.filter(
    ({ type, data }) =>
      type === 'Microsoft.Communication.RecordingFileStatusUpdated' &&
      data['recordingId'] === given(recordingId, 'recordingId'),
  );
  same(found.length, 1, 'events of the file');
  return given(found[0], 'event of the file');
}

function chunkOf(event: ReceivedEvent): Chunk {
  const { recordingChunks } = event.data['recordingStorageInfo'] as {
    readonly recordingChunks: readonly Chunk[];
  };
  same(recordingChunks.length, 1, 'chunks');
  return given(recordingChunks[0], 'chunk');
}

function isOfStep(event: ReceivedEvent, expected: Readonly<Record<string, string>>): void {
  const wanted = {
    recordingContentType: 'Audio',
    sessionEndReason: 'RecordingStopped',
    ...expected,
  };
  for (const [name, value] of Object.entries(wanted)) same(event.data[name], value, name);
}

async function sameAsDownloaded({ file }: Evidence): Promise<void> {
  const path = given(file, 'file');
  const [here, whole] = await Promise.all([readFile(path), readFile(join(path, '..', 'call.wav'))]);
  same(here.equals(whole), true, 'the same bytes as the downloaded file');
}

/** Alice alone on one channel, bob alone on the other. */
function isUnmixed({ channels }: RecordingContent): void {
  same(channels.length, 2, 'channels');
  same(channels.filter(isOfAlice).length, 1, 'channels with alice alone');
  same(channels.filter(isOfBob).length, 1, 'channels with bob alone');
}

function isOfAlice({ climbs, hasNoBob }: ChannelContent): boolean {
  return climbs.length > 0 && hasNoBob;
}

function isOfBob({ climbs, hasBob }: ChannelContent): boolean {
  return climbs.length === 0 && hasBob;
}

function isMixed({ channels }: RecordingContent): void {
  same(channels.length, 1, 'channels');
  const [both] = channels;
  same((both?.climbs.length ?? 0) > 0, true, 'alice in the mix');
  same(both?.hasBob, true, 'bob in the mix');
}

/** All of the speech of the call, and nothing missing in between. */
function isUnbroken(content: RecordingContent, scene: Scene): void {
  const { speeches, connectedMs } = callOf(scene);
  const climb = onlyClimb(content);
  const spokenMs = speeches.reduce((sum, speech) => sum + lengthOf(speech), 0);
  atLeast(content.durationMs, spokenMs - SLACK_MS, 'length of the file');
  atMost(content.durationMs, performance.now() - connectedMs + SLACK_MS, 'length of the file');
  hearsAll(content, [climb]);
}

/** The second of three speeches is missing, from its first to its last moment; the others are there. */
function hasOnePause(content: RecordingContent, scene: Scene): void {
  const [before, paused, after] = callOf(scene).speeches;
  const climbs = climbsOf(content);
  same(climbs.length, 2, 'stretches of speech in the file');
  const [first, second] = climbs as readonly [Climb, Climb];
  atLeast(first.endMs - first.startMs, lengthOf(before) - SLACK_MS, 'speech before the pause');
  atLeast(second.endMs - second.startMs, lengthOf(after) - SLACK_MS, 'speech after the pause');
  const missing = missingMs(first, second);
  atLeast(missing, lengthOf(paused) - SLACK_MS, 'speech missing in the pause');
  const longest = given(after, 'third speech').fromMs - given(before, 'first speech').toMs;
  atMost(missing, longest + SLACK_MS, 'speech missing in the pause');
  hearsAll(content, climbs);
}

function hearsAll(content: RecordingContent, climbs: readonly Climb[]): void {
  const heardMs = climbs.reduce((sum, climb) => sum + climb.heardMs, 0);
  atLeast(heardMs, LEAST_HEARD * content.durationMs, 'speech heard');
}

function climbsOf({ channels }: RecordingContent): readonly Climb[] {
  return channels.find(({ climbs }) => climbs.length > 0)?.climbs ?? [];
}

function onlyClimb(content: RecordingContent): Climb {
  const climbs = climbsOf(content);
  same(climbs.length, 1, 'stretches of speech in the file');
  return given(climbs[0], 'speech');
}

type Metadata = {
  readonly chunkDuration: number;
  readonly pauseResumeIntervals: readonly { readonly duration: number }[];
  readonly recordingInfo: Readonly<Record<string, unknown>>;
  readonly participants: readonly { readonly participantId: string; readonly channel?: number }[];
};

function isMetadataOf(content: RecordingContent, document: unknown): void {
  const metadata = document as Metadata;
  channelsAgree(content, document);
  near(metadata.chunkDuration, content.durationMs, 1, 'chunkDuration');
  same(metadata.recordingInfo['channelType'], 'unmixed', 'channelType');
  same(metadata.recordingInfo['format'], 'wav', 'format');
  const [first, second] = climbsOf(content);
  same(metadata.pauseResumeIntervals.length, 1, 'pauses in the metadata');
  const missing = missingMs(given(first, 'first climb'), given(second, 'second climb'));
  near(metadata.pauseResumeIntervals[0]?.duration ?? 0, missing, SLACK_MS, 'length of the pause');
}

/** The metadata says who is on which channel. */
function channelsAgree({ channels }: RecordingContent, document: unknown): void {
  const { participants } = document as Metadata;
  const channelOf = (id: string): number | undefined =>
    participants.find(({ participantId }) => participantId === id)?.channel;
  same(channelOf(ALICE), channels.findIndex(isOfAlice), 'channel of alice in the metadata');
  same(channelOf(BOB), channels.findIndex(isOfBob), 'channel of bob in the metadata');
}

function blobName(location: string, container: string): string {
  const prefix = `${container}/`;
  const { origin, pathname } = new URL(location);
  const path = `${origin}${decodeURIComponent(pathname)}`;
  if (!path.startsWith(prefix)) throw new Error(`${location} is not in ${container}`);
  return path.slice(prefix.length);
}

function callOf({ call }: Scene): CallOfLane {
  return given(call, 'call');
}

function lengthOf(speech: CallOfLane['speeches'][number] | undefined): number {
  const { fromMs, toMs } = given(speech, 'speech');
  return toMs - fromMs;
}
