/**
 * The recording quickstart in the requests that an SDK sends for it, where the SDK itself is not at
 * hand.
 *
 *   node quickstart.ts dotnet
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callBetweenPhones, fileEvent, refusalOf, refused, speech, step } from '../lane.ts';
import type { CallForLane, Evidence } from '../protocol.ts';
import type { Step } from '../steps.ts';
import { type Answer, ReproducedClient, UnexpectedStatus } from './client.ts';
import { DIALECTS } from './profiles.ts';

type Body = Readonly<Record<string, unknown>>;
type Chunk = Awaited<
  ReturnType<typeof fileEvent>
>['recordingStorageInfo']['recordingChunks'][number];

const dialect = DIALECTS[process.argv[2] ?? ''];
if (dialect === undefined) throw new Error(`one of ${Object.keys(DIALECTS).join(', ')}`);
const client = new ReproducedClient(dialect, process.env['COMMUNICATION_CONNECTION_STRING'] ?? '');

await step('client', () => Promise.resolve({}));
await wholeQuickstart();
await startWith('mixed', () => ({ recordingChannelType: 'mixed' }));
await startWith('mp3', () => ({ recordingChannelType: 'mixed', recordingFormatType: 'mp3' }));
await startWith('connection', ({ callConnectionId }) => ({
  callConnectionId,
  callLocator: undefined,
}));
if (dialect.containerSampleIsVideo) await ownContainerWithVideo();
else await ownContainer();
await startWith('pauseOnStart', ({ alice }) => ({
  pauseOnStart: true,
  audioChannelParticipantOrdering: [user(alice)],
}));
await startWith('ordering', ({ bob }) => ({ audioChannelParticipantOrdering: [user(bob)] }));
if (dialect.affinitySampleIsNobody) await step('affinity', affinityOfNobody);
else await startWith('affinity', ({ alice }) => pinned(user(alice)));
process.exit(0);

async function wholeQuickstart(): Promise<void> {
  const call = await callBetweenPhones();
  let recordingId = '';
  await step('start', async () => {
    const started = await client.call('POST', '/calling/recordings', 200, firstBody(call));
    recordingId = String(started['recordingId']);
    return { recordingId, state: String(started['recordingState']) };
  });
  const path = `/calling/recordings/${encodeURIComponent(recordingId)}`;
  const withState = async (): Promise<Evidence> => {
    const { recordingState } = await client.call('GET', path, 200);
    return { recordingId, state: String(recordingState) };
  };
  await speech(900);
  await step('state', withState);
  await step('pause', async () => {
    await client.call('POST', `${path}:pause`, 202);
    return withState();
  });
  await speech(700);
  await step('resume', async () => {
    await client.call('POST', `${path}:resume`, 202);
    return withState();
  });
  await speech(900);
  await step('stop', async () => {
    await client.call('DELETE', path, 204);
    return withState();
  });
  await contentOf(recordingId, call.output);
}

async function contentOf(recordingId: string, output: string): Promise<void> {
  let chunk: Chunk | undefined;
  const at = (name: keyof Chunk): string => String(chunk?.[name]);
  const file = (name: string): string => join(output, name);
  await step('event', async () => {
    chunk = await chunkOf(recordingId);
    return { recordingId, ...chunk };
  });
  await step('download', async () => {
    await downloadTo(at('contentLocation'), file('call.wav'), dialect?.firstRange ?? '', Infinity);
    return { recordingId, file: file('call.wav') };
  });
  await step('stream', async () => {
    const { body } = await client.content(at('contentLocation'));
    await writeFile(file('streamed.wav'), body);
    return { recordingId, file: file('streamed.wav') };
  });
  await step('ranges', async () => {
    await downloadTo(at('contentLocation'), file('parts.wav'), 'bytes=0-19999', 20_000);
    return { recordingId, file: file('parts.wav') };
  });
  await step('metadata', async () => {
    await writeFile(file('metadata.json'), (await client.content(at('metadataLocation'))).body);
    return { recordingId, file: file('metadata.json') };
  });
  await step('delete', async () => {
    await client.delete(at('deleteLocation'));
    return { recordingId, status: await refusalOf(() => client.content(at('contentLocation'))) };
  });
}

/** The first range tells how much there is; the others follow at the same time. */
async function downloadTo(
  location: string,
  path: string,
  firstRange: string,
  rangeBytes: number,
): Promise<void> {
  const first = await client.content(location, firstRange);
  const totalBytes = totalOf(first);
  const rest: Promise<Answer>[] = [];
  for (let from = first.body.length; from < totalBytes; from += rangeBytes) {
    const to = Math.min(from + rangeBytes, totalBytes) - 1;
    rest.push(client.content(location, `bytes=${from}-${to}`));
  }
  const answers = [first, ...(await Promise.all(rest))];
  await writeFile(path, Buffer.concat(answers.map(({ body }) => body)));
}

/** Both SDKs read the length of the whole from Content-Range, and of the part from Content-Length. */
function totalOf({ headers, body }: Answer): number {
  const length = headers.get('content-length');
  if (length !== String(body.length)) throw new Error(`Content-Length is ${String(length)}`);
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  if (total === undefined) throw new Error('there is no Content-Range');
  return Number(total);
}

async function startWith(name: Step, changed: (call: CallForLane) => Body): Promise<void> {
  await step(name, () => recorded(name, changed));
}

async function recorded(name: string, changed: (call: CallForLane) => Body): Promise<Evidence> {
  const call = await callBetweenPhones();
  const body: Body = { ...firstBody(call), ...changed(call) };
  const started = await client.call('POST', '/calling/recordings', 200, body);
  const recordingId = String(started['recordingId']);
  const path = `/calling/recordings/${encodeURIComponent(recordingId)}`;
  if (body['pauseOnStart'] === true) {
    await speech(1100);
    await client.call('POST', `${path}:resume`, 202);
  }
  await speech(1500);
  await client.call('DELETE', path, 204);
  const chunk = await chunkOf(recordingId);
  const evidence = { recordingId, state: String(started['recordingState']), ...chunk };
  if (body['externalStorage'] !== undefined) return evidence;
  const file = join(call.output, name);
  await writeFile(file, (await client.content(chunk.contentLocation)).body);
  return { ...evidence, file };
}

async function ownContainer(): Promise<void> {
  await startWith('container', ({ containerUrl }) => ({
    externalStorage: {
      recordingStorageKind: 'azureBlobStorage',
      recordingDestinationContainerUrl: containerUrl,
    },
  }));
}

/** The Java sample, without a callback. */
async function ownContainerWithVideo(): Promise<void> {
  const { serverCallId, containerUrl } = await callBetweenPhones();
  const body = {
    callLocator: { kind: 'serverCallLocator', serverCallId },
    recordingContentType: 'audioVideo',
    recordingChannelType: 'mixed',
    recordingFormatType: 'mp4',
    externalStorage: {
      recordingStorageKind: 'azureBlobStorage',
      recordingDestinationContainerUrl: containerUrl,
    },
  };
  try {
    await client.call('POST', '/calling/recordings', 200, body);
    await refused('container', 200, 'none');
  } catch (error) {
    if (!(error instanceof UnexpectedStatus)) throw error;
    await refused('container', error.status, error.code);
  }
}

/** As the Java sample prints it: the start succeeds. What is judged pins a user of the call. */
async function affinityOfNobody(): Promise<Evidence> {
  const nobody = { rawId: '4:RECORDING_ID', phoneNumber: { value: 'RECORDING_ID' } };
  const body = { ...firstBody(await callBetweenPhones()), ...pinned(nobody) };
  const { recordingId } = await client.call('POST', '/calling/recordings', 200, body);
  const path = `/calling/recordings/${encodeURIComponent(String(recordingId))}`;
  await client.call('DELETE', path, 204);
  return recorded('affinity', ({ alice }) => pinned(user(alice)));
}

function firstBody({ serverCallId, callbackUrl }: CallForLane): Body {
  return {
    callLocator: { kind: 'serverCallLocator', serverCallId },
    recordingStateCallbackUri: callbackUrl,
    recordingContentType: 'audio',
    recordingChannelType: 'unmixed',
    recordingFormatType: 'wav',
  };
}

function user(rawId: string): Body {
  return { rawId, communicationUser: { id: rawId } };
}

function pinned(participant: Body): Body {
  return { channelAffinity: [{ channel: 0, participant }] };
}

async function chunkOf(recordingId: string): Promise<Chunk> {
  const [chunk] = (await fileEvent(recordingId)).recordingStorageInfo.recordingChunks;
  if (chunk === undefined) throw new Error('the event names no chunk');
  return chunk;
}
