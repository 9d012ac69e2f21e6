import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findClimbs, missingMs, voiceOfAlice } from '../sdk/staircase.ts';
import { adminRequest } from '../support/admin-client.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { channelOf, clipOf, loudestDb, RecordingSession } from '../support/recording-session.ts';
import { writeSamples, writeTonePlan, type TonePlan } from '../support/tone-plan.ts';

const AGENT = { phoneNumber: '+15550100' };
const CALLER = { phoneNumber: '+15550101' };
/** Sounds other tones every tenth of a second: any stretch tells which moment it is. */
const CLIMBER = { phoneNumber: '+15550102' };
const RATE_HZ = 16_000;
/** A voice that strays would be some 40 dB louder; the edges of a tone are heard a little everywhere. */
const QUIET_DB = -50;

/** The agent speaks first; both have said all there is after three seconds. */
const AGENT_PLAN: TonePlan = {
  frequencyHz: 440,
  spans: [
    { startMs: 1_500, endMs: 2_200 },
    { startMs: 2_600, endMs: 3_200 },
  ],
  totalMs: 3_400,
  amplitude: 16_384,
};
const CALLER_PLAN: TonePlan = {
  frequencyHz: 1_000,
  spans: [
    { startMs: 1_800, endMs: 2_400 },
    { startMs: 2_900, endMs: 3_300 },
  ],
  totalMs: 3_400,
  amplitude: 8_192,
};
const PLANS_MS = 4_000;

/** They speak, Alice first, and each says with a tone who it was. */
const ALICE = { phoneNumber: '+15550103' };
const BOB = { phoneNumber: '+15550104' };
const [ALICE_HZ, BOB_HZ] = [2_000, 3_000];
const ALICE_SAYS = [{ speak: 'clip:alice' }, { tone: ALICE_HZ, for: '500ms' }];
const BOB_SAYS = [
  { tone: 50, level: -40, for: '2s' },
  { speak: 'clip:bob' },
  { tone: BOB_HZ, for: '500ms' },
];
const SPEECH_MS = 9_000;

let scratch: string;
let session: RecordingSession;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-options-'));
  await writeTonePlan(AGENT_PLAN, join(scratch, 'agent.wav'));
  await writeTonePlan(CALLER_PLAN, join(scratch, 'caller.wav'));
  const climber = join(scratch, 'climber.wav');
  await writeSamples(await voiceOfAlice(), climber);
  const answerAfter = '20ms';
  session = await RecordingSession.open({
    file: {
      sim: [
        { identifier: AGENT.phoneNumber, speak: join(scratch, 'agent.wav'), answerAfter },
        { identifier: CALLER.phoneNumber, speak: join(scratch, 'caller.wav'), answerAfter },
        { identifier: ALICE.phoneNumber, script: ALICE_SAYS, answerAfter },
        { identifier: BOB.phoneNumber, script: BOB_SAYS, answerAfter },
        { identifier: CLIMBER.phoneNumber, speak: climber, loop: true, answerAfter },
      ],
    },
  });
});

afterAll(async () => {
  await session.close();
  await rm(scratch, { recursive: true });
});

describe('unmixed', () => {
  test('each speaks at the planned times on the channel that affinity gives, and nowhere else', async () => {
    const call = await session.connect(AGENT, CALLER);
    const { recordingId } = await session.start(call, {
      recordingChannel: 'unmixed',
      // Affinity decides: the order says otherwise, and the agent speaks first.
      audioChannelParticipantOrdering: [CALLER, AGENT],
      channelAffinity: [
        { channel: 2, targetParticipant: CALLER },
        { channel: 0, targetParticipant: AGENT },
      ],
    });
    await delay(PLANS_MS);
    await session.sdk.call('stopRecording', recordingId);
    const chunk = await session.finished(recordingId);
    const clip = clipOf(await session.download(chunk.contentLocation));
    expect(clip).toMatchObject({ sampleRateHz: RATE_HZ, channels: 3 });
    expectPlanned(channelOf(clip, 0), AGENT_PLAN);
    expectPlanned(channelOf(clip, 2), CALLER_PLAN);
    for (const [channel, plan] of [
      [0, CALLER_PLAN],
      [2, AGENT_PLAN],
    ] as const) {
      expect(loudestDb(channelOf(clip, channel), plan.frequencyHz)).toBeLessThan(QUIET_DB);
    }
    expect(channelOf(clip, 1).samples.every((sample) => sample === 0)).toBe(true);
    const metadata = await session.metadataOf(chunk);
    expect(metadata).toMatchObject({
      chunkDuration: clip.samples.length / clip.channels / (RATE_HZ / 1000),
      recordingInfo: {
        channelType: 'unmixed',
        format: 'wav',
        audioConfiguration: { sampleRate: RATE_HZ, bitRate: 3 * 256_000, channels: 3 },
      },
    });
    expect([...metadata.participants].sort((a, b) => (a.channel ?? 9) - (b.channel ?? 9))).toEqual([
      { participantId: '4:+15550100', channel: 0 },
      { participantId: '4:+15550101', channel: 2 },
    ]);
    await session.hangUp(call);
  });

  test('without a word about channels they are given in the order of speech, not of sound', async () => {
    // Named in the other order than they speak; Bob's line hums before Alice says a word.
    const call = await session.connect(BOB, ALICE);
    const { recordingId } = await session.start(call, { recordingChannel: 'unmixed' });
    await delay(SPEECH_MS);
    // The end of the call ends it, too.
    await session.hangUp(call);
    const clip = clipOf(
      await session.download((await session.finished(recordingId)).contentLocation),
    );
    expect(clip.channels).toBe(2);
    const [alice, bob] = [channelOf(clip, 0), channelOf(clip, 1)];
    expect(Math.abs(loudestDb(alice, ALICE_HZ) + 6)).toBeLessThan(1);
    expect(Math.abs(loudestDb(bob, BOB_HZ) + 6)).toBeLessThan(1);
    // What they say has a little of every tone.
    expect(loudestDb(alice, BOB_HZ)).toBeLessThan(-14);
    expect(loudestDb(bob, ALICE_HZ)).toBeLessThan(-14);
  });
});

describe('pause and resume', () => {
  test('cut what was said in between, and each transition is told once', async () => {
    const call = await session.connect(CLIMBER);
    const { recordingId } = await session.start(call, {
      recordingChannel: 'unmixed',
      channelAffinity: [{ channel: 0, targetParticipant: CLIMBER }],
    });
    expect(await session.stateOf(recordingId)).toBe('active');
    await delay(1_200);
    await session.sdk.call('pauseRecording', recordingId);
    expect(await session.stateOf(recordingId)).toBe('inactive');
    // What is so already stays so, and nobody is told again.
    await session.sdk.call('pauseRecording', recordingId);
    await delay(1_200);
    await session.sdk.call('resumeRecording', recordingId);
    expect(await session.stateOf(recordingId)).toBe('active');
    await session.sdk.call('resumeRecording', recordingId);
    await delay(1_200);
    await session.sdk.call('stopRecording', recordingId);
    expect(await session.stateOf(recordingId)).toBe('inactive');
    const chunk = await session.finished(recordingId);
    const { samples } = channelOf(clipOf(await session.download(chunk.contentLocation)), 0);
    const metadata = await session.metadataOf(chunk);
    expect(metadata.pauseResumeIntervals).toHaveLength(1);
    const pausedMs = metadata.pauseResumeIntervals[0]?.duration ?? 0;
    expect(pausedMs).toBeGreaterThan(1_100);
    const climbs = findClimbs(samples, RATE_HZ);
    expect(climbs).toHaveLength(2);
    const [before, after] = [climbs[0]!, climbs[1]!];
    // What is missing is the pause, and the two sides of it stand together.
    expect(Math.abs(missingMs(before, after) - pausedMs)).toBeLessThan(60);
    expect(after.startMs - before.endMs).toBeLessThan(100);
    await session.hangUp(call);
    expect(session.statesTold(recordingId)).toEqual(['active', 'inactive', 'active', 'inactive']);
    expect(session.filesTold(recordingId)).toBe(1);
  });

  test('at the start: nothing until resumed, no file if never, and a new one may start at once', async () => {
    const call = await session.connect(CLIMBER);
    const never = await session.start(call, { pauseOnStart: true });
    expect(never.recordingState).toBe('inactive');
    expect(await session.stateOf(never.recordingId)).toBe('inactive');
    await delay(500);
    await session.sdk.call('stopRecording', never.recordingId);
    const later = await session.start(call, {
      pauseOnStart: true,
      callLocator: undefined,
      callConnectionId: call.callConnectionId,
    });
    expect(later.recordingId).not.toBe(never.recordingId);
    await delay(500);
    await session.sdk.call('resumeRecording', later.recordingId);
    expect(await session.stateOf(later.recordingId)).toBe('active');
    await delay(1_000);
    await session.sdk.call('stopRecording', later.recordingId);
    const metadata = await session.metadataOf(await session.finished(later.recordingId));
    expect(metadata.chunkDuration).toBeGreaterThan(900);
    await session.hangUp(call);
    expect(session.filesTold(never.recordingId)).toBe(0);
    expect(session.statesTold(later.recordingId)).toEqual(['inactive', 'active', 'inactive']);
  });
});

describe('MP3', () => {
  /** Frames of 16 kHz, 48 kbit/s, mono. */
  const FRAME_BYTES = 216;
  const FRAME_SAMPLES = 576;

  test('is a file of whole frames whose first tells what is to be cut off', async () => {
    const call = await session.connect(CLIMBER);
    const { recordingId } = await session.start(call, { recordingFormat: 'mp3' });
    await delay(1_500);
    await session.sdk.call('stopRecording', recordingId);
    const chunk = await session.finished(recordingId);
    const bytes = await session.download(chunk.contentLocation);
    expect(bytes.length % FRAME_BYTES).toBe(0);
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      // MPEG-2, layer III, 48 kbit/s, 16 kHz; whether padded or not is the bit that is left out.
      expect(bytes.readUInt32BE(at) >>> 8).toBe(0xfff368);
    }
    const tagAt = bytes.indexOf('Info');
    expect(tagAt).toBeLessThan(FRAME_BYTES);
    const cut = bytes.readUIntBE(tagAt + 141, 3);
    const frames = bytes.length / FRAME_BYTES - 1;
    const { chunkDuration, recordingInfo } = await session.metadataOf(chunk);
    const samples = frames * FRAME_SAMPLES - (cut >> 12) - (cut & 0xfff);
    expect(samples / (RATE_HZ / 1000)).toBeCloseTo(chunkDuration, 0);
    expect(recordingInfo).toMatchObject({
      format: 'mp3',
      channelType: 'mixed',
      audioConfiguration: { sampleRate: RATE_HZ, bitRate: 48_000, channels: 1 },
    });
    const link = await adminRequest(session.server, 'POST', '/admin/links', {
      documentId: chunk.documentId,
    });
    const { pathname, search } = new URL((link as { url: string }).url);
    const plain = await fetch(new URL(pathname + search, session.server.ready.http));
    expect(plain.headers.get('content-type')).toBe('audio/mpeg');
    expect(Buffer.from(await plain.arrayBuffer()).equals(bytes)).toBe(true);
    await session.hangUp(call);
  });
});
