import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTone } from '../../src/media/tone/tone-meter.ts';
import { AudioApplication, type AudioSession } from '../support/audio-application.ts';
import {
  type ControlledCall,
  ControlSession,
  PHONES,
  TONES_HZ,
} from '../support/control-session.ts';
import { hears } from '../support/listening.ts';
import { recorded } from '../support/recorded-call.ts';
import { metricOf } from '../support/server-metrics.ts';

const NAMES = ['first', 'second', 'third', 'fourth'] as const;
const FRAME_MS = 20;
/** A second of four voices. */
const LEFT_OUT_FRAMES = 200;
/** Who is silent for longer is no late packet of a busy machine's. */
const BRIDGE_MS = 100;
/** Of a tone at −6 dB in the sum of four, which the limiter bends. */
const AUDIBLE = 2_000;
/** Buffers of the system take fifteen seconds, or more. */
const PATIENCE = { timeout: 60_000, interval: 50 } as const;

let session: ControlSession;
let slow: AudioApplication;
let quick: AudioApplication;

beforeAll(async () => {
  session = await ControlSession.open();
  slow = await AudioApplication.open();
  quick = await AudioApplication.open();
});

afterAll(async () => {
  slow.close();
  quick.close();
  await session.close();
});

/** Each voice by itself, in as many bytes as there may be. */
const streamTo = ({ url }: AudioApplication): Readonly<Record<string, unknown>> => ({
  mediaStreamingOptions: {
    transportType: 'websocket',
    transportUrl: url,
    audioChannelType: 'unmixed',
    audioFormat: 'pcm24KMono',
    startMediaStreaming: true,
  },
});

const dropped = (reason: string): Promise<number> =>
  metricOf(session.server, `tapedeck_dropped_stream_frames{reason="${reason}"}`);

async function hearsAll(audio: AudioSession): Promise<void> {
  for (const name of NAMES) {
    const { phoneNumber } = PHONES[name];
    await expect
      .poll(() => audio.levelOf(TONES_HZ[name], phoneNumber), PATIENCE)
      .toBeGreaterThan(-9);
  }
}

/** When the frames of a voice were, oldest first. */
function timesOf({ heard }: AudioSession, who: string): readonly number[] {
  return heard.filter((frame) => frame.who === who).map(({ atMs }) => atMs);
}

/** All have got frames of half a second from now; a moment between the latest two of them. */
async function moment(...sessions: readonly AudioSession[]): Promise<number> {
  const latest = (): readonly number[] => sessions.map(({ heard }) => heard.at(-1)?.atMs ?? 0);
  const nowMs = Math.max(...latest());
  await expect.poll(() => Math.min(...latest()), PATIENCE).toBeGreaterThan(nowMs + 500);
  return Math.min(...latest()) - FRAME_MS / 2;
}

test('an application that does not read misses what is said meanwhile, and nobody else anything', async () => {
  const { sdk, callback, server } = session;
  const phones = NAMES.map((name) => PHONES[name]);
  const call = await sdk.call<ControlledCall>('createGroupCall', phones, callback, streamTo(quick));
  const prompt = await quick.next();
  await session.rosterOf(call, phones.length);
  await hearsAll(prompt);
  const locator = { kind: 'serverCallLocator', id: call.serverCallId } as const;
  await sdk.call('connectCall', locator, callback, streamTo(slow));
  const late = await slow.next();
  await expect.poll(() => late.heard.length, PATIENCE).toBeGreaterThan(0);
  // Early: what the system takes for it grows with what it reads.
  late.socket.pause();
  const fromMs = late.heard[0]!.atMs - FRAME_MS / 2;
  expect(await metricOf(server, 'tapedeck_open_streams')).toBe(2);
  const clip = await recorded(session, locator, async () => {
    for (const name of NAMES) {
      const others = NAMES.filter((other) => other !== name).map((other) => TONES_HZ[other]);
      await hears(await session.phone(PHONES[name]), { loud: others });
    }
    const droppedSoFar = (): Promise<number> => {
      // It is there, however long it does not read.
      late.socket.pong();
      return dropped('slow');
    };
    await expect.poll(droppedSoFar, PATIENCE).toBeGreaterThan(LEFT_OUT_FRAMES);
    await hearsAll(prompt);
    late.socket.resume();
    const toMs = await moment(late, prompt);
    const missed = phones.map(({ phoneNumber }) => {
      const isMeant = (atMs: number): boolean => atMs > fromMs && atMs < toMs;
      const [has, all] = [late, prompt].map((one) => timesOf(one, phoneNumber).filter(isMeant));
      return all!.length - has!.length;
    });
    // None of the voices more than the others, and every frame of it is counted.
    expect(Math.max(...missed) - Math.min(...missed)).toBeLessThan(LEFT_OUT_FRAMES / 10);
    expect(missed.reduce((sum, one) => sum + one, 0)).toBe(await dropped('slow'));
    await hearsAll(late);
  });
  for (const name of NAMES) {
    const search = { frequencyHz: TONES_HZ[name], threshold: AUDIBLE, bridgeMs: BRIDGE_MS };
    const spans = findTone(clip.samples, clip.sampleRateHz, search);
    expect(spans).toHaveLength(1);
    const lengthMs = (1000 * clip.samples.length) / clip.sampleRateHz;
    expect(spans[0]!.endMs - spans[0]!.startMs).toBeGreaterThan(lengthMs - 2 * BRIDGE_MS);
  }
  expect(late.closedWith).toBeUndefined();
  expect(await session.finish(call)).not.toContain('MediaStreamingFailed');
  await expect.poll(() => metricOf(server, 'tapedeck_open_streams'), PATIENCE).toBe(0);
}, 120_000);

test('what is said while a connection is lost and opened again is missed, and counted', async () => {
  const { sdk, callback, server } = session;
  const call = await sdk.call<ControlledCall>(
    'createGroupCall',
    [PHONES.first],
    callback,
    streamTo(slow),
  );
  await session.rosterOf(call, 1);
  const open = await metricOf(server, 'tapedeck_open_streams');
  const before = await slow.next();
  await expect.poll(() => before.heard.length, PATIENCE).toBeGreaterThan(50);
  before.socket.terminate();
  await expect.poll(() => dropped('reconnecting'), PATIENCE).toBeGreaterThan(0);
  const after = await slow.next();
  await expect.poll(() => after.heard.length, PATIENCE).toBeGreaterThan(50);
  expect(await metricOf(server, 'tapedeck_open_streams')).toBe(open);
  // Half a second passes before it is opened again.
  expect(await dropped('reconnecting')).toBeGreaterThan(10);
  await session.finish(call);
});
