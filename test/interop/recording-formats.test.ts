import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { sine } from '../../src/media/tone/sine.ts';
import { wavHeader } from '../../src/media/wav/wav-header.ts';
import { readWav, type WavClip } from '../../src/media/wav/wav-reader.ts';
import { findClimbs, missingMs, voiceOfAlice } from '../sdk/staircase.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';

/** Two phones on a call that a route made; an application records it with the SDK, and pauses. */

const PHONE_RATE_HZ = 8_000;
/** What bob says all the time: below alice's tones, and above most of her voice. */
const STEADY = { frequencyHz: 1_900, amplitude: 16_384 };
const execute = promisify(execFile);

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let sdk: SdkSession;
let alice: Baresip;
let bob: Baresip;

async function writeClip(name: string, samples: Int16Array): Promise<string> {
  const path = join(directory, name);
  const header = wavHeader({ sampleRateHz: PHONE_RATE_HZ, channels: 1 }, samples.byteLength);
  await writeFile(path, Buffer.concat([header, Buffer.from(samples.buffer)]));
  return path;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-formats-'));
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [
        { name: 'alice', password: 'wonderland' },
        { name: 'bob', password: 'builder' },
      ],
    },
  });
  sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
  const common = { registrar: server.ready.sip.replace('sip:', ''), codec: 'pcmu' } as const;
  bob = await Baresip.start({
    ...common,
    user: 'bob',
    password: 'builder',
    sipPort: 5380,
    controlPort: 4470,
    rtpPort: 31_400,
    speaks: await writeClip('bob.wav', sine(STEADY, PHONE_RATE_HZ, 20 * PHONE_RATE_HZ)),
  });
  alice = await Baresip.start({
    ...common,
    user: 'alice',
    password: 'wonderland',
    sipPort: 5390,
    controlPort: 4471,
    rtpPort: 31_600,
    speaks: await writeClip('alice.wav', await voiceOfAlice()),
  });
});

afterAll(async () => {
  sdk.close();
  await Promise.all([alice.close(), bob.close()]);
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

type Recorded = { readonly path: string; readonly pausedMs: number };

/** Records 1.5 s, not the next 1.2 s, and 1.5 s again. */
async function record(options: Readonly<Record<string, unknown>>): Promise<Recorded> {
  await alice.dial(`sip:bob@${server.ready.sip.replace('sip:', '')}`);
  const call = await events.next('CallStarted');
  const id = call.data['serverCallId'];
  await delay(1_200);
  const { recordingId } = await sdk.call<{ recordingId: string }>('startRecording', {
    callLocator: { kind: 'serverCallLocator', id },
    recordingContent: 'audio',
    ...options,
  });
  await delay(1_500);
  await sdk.call('pauseRecording', recordingId);
  await delay(1_200);
  await sdk.call('resumeRecording', recordingId);
  await delay(1_500);
  await sdk.call('stopRecording', recordingId);
  const ready = await events.next('RecordingFileStatusUpdated');
  alice.hangUp();
  await events.next('CallEnded');
  const info = ready.data['recordingStorageInfo'] as {
    recordingChunks: readonly { contentLocation: string; metadataLocation: string }[];
  };
  const [chunk] = info.recordingChunks;
  const path = join(directory, `recorded.${String(options['recordingFormat'])}`);
  await sdk.call('download', chunk?.contentLocation, path);
  const metadataPath = join(directory, 'metadata.json');
  await sdk.call('download', chunk?.metadataLocation, metadataPath);
  const metadata = JSON.parse(await readFile(metadataPath, 'utf8')) as {
    readonly pauseResumeIntervals: readonly { readonly duration: number }[];
  };
  return { path, pausedMs: metadata.pauseResumeIntervals[0]?.duration ?? 0 };
}

async function readClip(path: string): Promise<WavClip> {
  const clip = readWav(await readFile(path), { maxChannels: 2 });
  if (!clip.ok) throw new Error(`${path}: ${clip.defect}`);
  return clip.value;
}

function channel(clip: WavClip, index: number): Int16Array {
  const samples = new Int16Array(clip.samples.length / clip.channels);
  for (let at = 0; at < samples.length; at += 1) {
    samples[at] = clip.samples[at * clip.channels + index] ?? 0;
  }
  return samples;
}

/** Two climbs side by side, and nothing of what was said between them. */
function expectClimbs(samples: Int16Array, rateHz: number, pausedMs: number): void {
  const climbs = findClimbs(samples, rateHz);
  expect(climbs).toHaveLength(2);
  const [before, after] = [climbs[0]!, climbs[1]!];
  expect(pausedMs).toBeGreaterThan(1_100);
  expect(Math.abs(missingMs(before, after) - pausedMs)).toBeLessThan(60);
  expect(after.startMs - before.endMs).toBeLessThan(100);
}

/** Bob is there all the time, at his level. */
function expectSteady(samples: Int16Array, rateHz: number): void {
  const length = rateHz / 10;
  const levels: number[] = [];
  for (let from = 0; from + length <= samples.length; from += length) {
    levels.push(levelDb(toneAmplitude(samples, rateHz, STEADY.frequencyHz, from, length)));
  }
  levels.sort((a, b) => a - b);
  // A pause that was cut out turns the tone's phase in one of them; a voice adds to some.
  const [second = NaN, middle = NaN] = [levels[1], levels[levels.length >> 1]];
  expect(Math.abs(middle - levelDb(STEADY.amplitude))).toBeLessThan(1);
  expect(levelDb(STEADY.amplitude) - second).toBeLessThan(3);
}

test('unmixed WAV: each phone on the channel that the application gave it', async () => {
  const { path, pausedMs } = await record({
    recordingChannel: 'unmixed',
    recordingFormat: 'wav',
    channelAffinity: [
      { channel: 1, targetParticipant: { communicationUserId: '8:acs:tapedeck_alice' } },
      { channel: 0, targetParticipant: { communicationUserId: '8:acs:tapedeck_bob' } },
    ],
  });
  const clip = await readClip(path);
  expect(clip.channels).toBe(2);
  const [ofBob, ofAlice] = [channel(clip, 0), channel(clip, 1)];
  expectSteady(ofBob, clip.sampleRateHz);
  expect(findClimbs(ofBob, clip.sampleRateHz)).toHaveLength(0);
  expectClimbs(ofAlice, clip.sampleRateHz, pausedMs);
  const stray = toneAmplitude(ofAlice, clip.sampleRateHz, STEADY.frequencyHz, 0, ofAlice.length);
  expect(levelDb(stray)).toBeLessThan(-50);
});

test.each(['wav', 'mp3'])('mixed %s: both phones, and nothing of the pause', async (format) => {
  const { path, pausedMs } = await record({ recordingChannel: 'mixed', recordingFormat: format });
  const decoded = join(directory, 'decoded.wav');
  await execute('ffmpeg', ['-v', 'error', '-y', '-i', path, '-c:a', 'pcm_s16le', decoded]);
  const clip = await readClip(decoded);
  expect(clip).toMatchObject({ channels: 1, sampleRateHz: 16_000 });
  expectSteady(clip.samples, clip.sampleRateHz);
  expectClimbs(clip.samples, clip.sampleRateHz, pausedMs);
});
