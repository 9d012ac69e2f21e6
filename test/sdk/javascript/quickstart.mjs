/**
 * The recording quickstart for JavaScript, run with the unmodified package that is named.
 *
 *   node quickstart.mjs call-automation-1.2.0
 *
 * Deviations from what is printed:
 * - 1: `CallAutomationClient.CallAutomationClient` is the CommonJS spelling; here it is imported by name.
 * - 2.1 names a variable `callLocator` that the text calls `locator` elsewhere.
 * - 2.2 lacks a comma after `pauseOnStart: true`.
 * - 2.4 writes `ChannelAffinity`, which the SDK does not send: here it is `channelAffinity`.
 * - 6: in 1.0.0, `downloadToPath` resolves before the file is written: its end is waited for.
 * - Type annotations are left out.
 */
import { createWriteStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { absent, callBetweenPhones, fileEvent, refusalOf, speech, step } from '../lane.ts';

const [packageName] = process.argv.slice(2);
const { CallAutomationClient } = await import(packageName);
const startOptions = startOptionsOf(packageName);
const waitsForFile = versionOf(packageName) !== '1.0.0';
const startTakes = (option) => new RegExp(`\\b${option}\\?:`).test(startOptions);

let callAutomationClient;
await step('client', async () => {
  callAutomationClient = new CallAutomationClient(process.env.COMMUNICATION_CONNECTION_STRING);
  return {};
});
const recording = callAutomationClient.getCallRecording();

await wholeQuickstart();
await startWith('mixed', {}, { recordingChannel: 'mixed' });
await startWith('mp3', {}, { recordingChannel: 'mixed', recordingFormat: 'mp3' });

if (startTakes('callConnectionId')) {
  await startWith('connection', {}, (call) => ({
    callLocator: undefined,
    callConnectionId: call.callConnectionId,
  }));
} else await absent('connection');

if (startTakes('recordingStorage')) await ownContainer();
else await absent('container');

if (startTakes('pauseOnStart')) {
  await startWith('pauseOnStart', { resumeAfterMs: 1100 }, (call) => ({
    pauseOnStart: true,
    audioChannelParticipantOrdering: [{ communicationUserId: call.alice }],
  }));
} else await absent('pauseOnStart');

await startWith('ordering', {}, (call) => ({
  audioChannelParticipantOrdering: [{ communicationUserId: call.bob }],
}));
await startWith('affinity', {}, (call) => ({
  channelAffinity: [{ channel: 0, targetParticipant: { communicationUserId: call.alice } }],
}));
process.exit(0);

async function wholeQuickstart() {
  const call = await callBetweenPhones();
  const locator = { id: call.serverCallId, kind: 'serverCallLocator' };
  let recordingId;
  await step('start', async () => {
    const options = {
      callLocator: locator,
      recordingContent: 'audio',
      recordingChannel: 'unmixed',
      recordingFormat: 'wav',
      recordingStateCallbackEndpointUrl: call.callbackUrl,
    };
    const response = await recording.start(options);
    ({ recordingId } = response);
    return { recordingId, state: response.recordingState };
  });
  await speech(900);
  await step('state', async () => {
    const { recordingState: state } = await recording.getState(recordingId);
    return { recordingId, state };
  });
  await step('pause', async () => {
    await recording.pause(recordingId);
    return { recordingId, state: (await recording.getState(recordingId)).recordingState };
  });
  await speech(700);
  await step('resume', async () => {
    await recording.resume(recordingId);
    return { recordingId, state: (await recording.getState(recordingId)).recordingState };
  });
  await speech(900);
  await step('stop', async () => {
    await recording.stop(recordingId);
    return { recordingId, state: (await recording.getState(recordingId)).recordingState };
  });

  let chunk;
  await step('event', async () => {
    [chunk] = (await fileEvent(recordingId)).recordingStorageInfo.recordingChunks;
    return { recordingId, ...chunk };
  });
  const file = join(call.output, 'call.wav');
  await step('download', async () => {
    await downloadToPath(chunk.contentLocation, file);
    return { recordingId, file };
  });
  await step('stream', async () => {
    const streamed = join(call.output, 'streamed.wav');
    await pipeline(
      await recording.downloadStreaming(chunk.contentLocation),
      createWriteStream(streamed),
    );
    return { recordingId, file: streamed };
  });
  await step('ranges', async () => {
    const parts = join(call.output, 'parts.wav');
    const { length } = readFileSync(file);
    // An offset of 0 together with a length is refused by the client itself: 0 counts as missing.
    await inRanges(parts, [
      await recording.downloadStreaming(chunk.contentLocation),
      ...(await Promise.all(
        [1_000, 20_001, 40_002].map((offset, index, all) =>
          recording.downloadStreaming(chunk.contentLocation, {
            offset,
            length: (all[index + 1] ?? length) - offset,
          }),
        ),
      )),
    ]);
    return { recordingId, file: parts };
  });
  await step('metadata', async () => {
    const metadata = join(call.output, 'metadata.json');
    await downloadToPath(chunk.metadataLocation, metadata);
    return { recordingId, file: metadata };
  });
  await step('delete', async () => {
    await recording.delete(chunk.deleteLocation);
    const status = await refusalOf(() => recording.downloadStreaming(chunk.contentLocation));
    return { recordingId, status };
  });
}

/** One more recording that differs from the first by some options. */
async function startWith(name, { resumeAfterMs }, changed) {
  await step(name, async () => {
    const call = await callBetweenPhones();
    const { recordingId } = await recording.start({
      callLocator: { id: call.serverCallId, kind: 'serverCallLocator' },
      recordingContent: 'audio',
      recordingChannel: 'unmixed',
      recordingFormat: 'wav',
      recordingStateCallbackEndpointUrl: call.callbackUrl,
      ...(typeof changed === 'function' ? changed(call) : changed),
    });
    let state;
    if (resumeAfterMs !== undefined) {
      state = (await recording.getState(recordingId)).recordingState;
      await speech(resumeAfterMs);
      await recording.resume(recordingId);
    }
    await speech(1500);
    await recording.stop(recordingId);
    const [chunk] = (await fileEvent(recordingId)).recordingStorageInfo.recordingChunks;
    const file = join(call.output, name);
    await downloadToPath(chunk.contentLocation, file);
    return { recordingId, file, ...(state === undefined ? {} : { state }) };
  });
}

async function ownContainer() {
  await step('container', async () => {
    const call = await callBetweenPhones();
    const recordingStorageKind = 'azureBlobStorage';
    const recordingStorage = {
      recordingStorageKind,
      recordingDestinationContainerUrl: call.containerUrl,
    };
    const { recordingId } = await recording.start({
      callLocator: { id: call.serverCallId, kind: 'serverCallLocator' },
      recordingContent: 'audio',
      recordingChannel: 'unmixed',
      recordingFormat: 'wav',
      recordingStateCallbackEndpointUrl: call.callbackUrl,
      recordingStorage,
    });
    await speech(1500);
    await recording.stop(recordingId);
    const [chunk] = (await fileEvent(recordingId)).recordingStorageInfo.recordingChunks;
    return { recordingId, ...chunk };
  });
}

async function downloadToPath(location, path) {
  await recording.downloadToPath(location, path);
  if (waitsForFile) return;
  const { length } = await bytesOf(await recording.downloadStreaming(location));
  for (let tries = 0; sizeIfThere(path) < length && tries < 500; tries += 1) await sleep(10);
}

function sizeIfThere(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The first thousand bytes of the whole, then the ranges that continue it. */
async function inRanges(path, [whole, ...ranges]) {
  const pieces = [(await bytesOf(whole)).subarray(0, 1_000)];
  for (const range of ranges) pieces.push(await bytesOf(range));
  writeFileSync(path, Buffer.concat(pieces));
}

async function bytesOf(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The declaration of StartRecordingOptions that the package publishes. */
function startOptionsOf(name) {
  const folder = new URL(`../../../node_modules/${name}/`, import.meta.url);
  for (const path of ['types/communication-call-automation.d.ts', 'dist/esm/models/options.d.ts']) {
    const types = readIfThere(new URL(path, folder));
    const declaration = /interface StartRecordingOptions[^{]*\{([^}]*)\}/.exec(
      types.replace(/\/\*[^]*?\*\//g, ''),
    );
    if (declaration !== null) return declaration[1];
  }
  throw new Error(`${name} declares no StartRecordingOptions`);
}

function versionOf(name) {
  const folder = new URL(`../../../node_modules/${name}/`, import.meta.url);
  return JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')).version;
}

function readIfThere(url) {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return '';
  }
}
