import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTone, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import type { ReceivedEvent } from '../support/event-receiver.ts';
import { recordingFile } from '../support/recording-file.ts';
import { channelOf, clipOf } from '../support/recording-session.ts';
import { type MediaCall, MediaSession } from '../support/media-session.ts';

/** What anna and bert say all the time, and what is played to them. */
const ANNA_HZ = 700;
const BERT_HZ = 1_100;
const PROMPT_HZ = 1_700;
const TO_BERT_HZ = 2_300;
const PROMPT_MS = 600;
/** Half of what each of them has. */
const THRESHOLD = 8_192;

let session: MediaSession;

beforeAll(async () => {
  session = await MediaSession.open({ 'prompt-channel': 'on' });
});

afterAll(() => session.close());

type Recorded = {
  readonly clip: WavClip;
  readonly metadata: {
    readonly participants: readonly { readonly participantId: string; readonly channel?: number }[];
  };
  readonly startedAtMs: number;
};

/** A call of two who speak, recorded while a prompt is played to all and then one to bert. */
async function recorded(
  recordingChannel: 'mixed' | 'unmixed',
): Promise<readonly [Recorded, Plays]> {
  const { control, prompts } = session;
  const call = await session.callTo(['anna', 'bert']);
  call.phones[0]!.line.say(ANNA_HZ);
  call.phones[1]!.line.say(BERT_HZ);
  const { recordingId } = await control.sdk.call<{ recordingId: string }>('startRecording', {
    callLocator: { kind: 'serverCallLocator', id: call.serverCallId },
    recordingContent: 'audio',
    recordingChannel,
    recordingFormat: 'wav',
  });
  await delay(1_000);
  const toAll = await played(call, 'playToAll', [prompts.tone(PROMPT_HZ, PROMPT_MS)]);
  const bert = session.phones.identifierOf('bert');
  const toBert = await played(call, 'play', [prompts.tone(TO_BERT_HZ, PROMPT_MS)], [bert]);
  await delay(500);
  await control.sdk.call('stopRecording', recordingId);
  const event = await control.events.next(
    'RecordingFileStatusUpdated',
    ({ data }) => data['recordingId'] === recordingId,
  );
  await session.finish(call);
  return [await fileOf(event), { toAll, toBert }];
}

/** When it was asked for, and when it was told to have begun and ended: ms since 1970. */
type Play = { readonly requestedMs: number; readonly startedMs: number; readonly endedMs: number };
type Plays = { readonly toAll: Play; readonly toBert: Play };

async function played(call: MediaCall, ...request: readonly [string, ...unknown[]]): Promise<Play> {
  const requestedMs = Date.now();
  await session.on(call, ...request);
  const started = await session.control.next(call, 'PlayStarted');
  const ended = await session.control.next(call, 'PlayCompleted');
  return { requestedMs, startedMs: timeOf(started), endedMs: timeOf(ended) };
}

function timeOf({ envelope }: ReceivedEvent): number {
  return Date.parse(envelope['time'] as string);
}

async function fileOf(event: ReceivedEvent): Promise<Recorded> {
  const { recordingChunks } = event.data['recordingStorageInfo'] as {
    recordingChunks: readonly [{ readonly metadataLocation: string }];
  };
  const { metadataLocation } = recordingChunks[0];
  const clip = clipOf(await readFile(recordingFile(session.control.server, event)));
  const scratch = `${session.control.server.ready.dataDir}/metadata.json`;
  await session.control.sdk.call('download', metadataLocation, scratch);
  const metadata = JSON.parse(await readFile(scratch, 'utf8')) as Recorded['metadata'];
  return { clip, metadata, startedAtMs: Date.parse(event.data['recordingStartTime'] as string) };
}

function spans(clip: WavClip, frequencyHz: number): readonly ToneSpan[] {
  const search = { frequencyHz, threshold: THRESHOLD, bridgeMs: 20 };
  return findTone(clip.samples, clip.sampleRateHz, search);
}

/** It is there, as long as it is, between its request and the events that told of it. */
function expectPlayed(of: Recorded, clip: WavClip, frequencyHz: number, play: Play): void {
  const found = spans(clip, frequencyHz);
  expect(found).toHaveLength(1);
  const [span = { startMs: NaN, endMs: NaN }] = found;
  expect(Math.abs(span.endMs - span.startMs - PROMPT_MS)).toBeLessThan(20);
  const startMs = of.startedAtMs + span.startMs;
  const endMs = of.startedAtMs + span.endMs;
  expect(startMs).toBeGreaterThan(play.requestedMs);
  // A prompt is told of when its first sample, and when its last one, is on its way.
  expect(startMs).toBeLessThan(play.startedMs + 100);
  expect(endMs).toBeLessThan(play.endedMs + 100);
}

test('a prompt is in the mixed file, to all as to one, over everything that is said', async () => {
  const [recording, { toAll, toBert }] = await recorded('mixed');
  const { clip } = recording;
  expect(clip.channels).toBe(1);
  expectPlayed(recording, clip, PROMPT_HZ, toAll);
  expectPlayed(recording, clip, TO_BERT_HZ, toBert);
  for (const hz of [ANNA_HZ, BERT_HZ]) expect(spans(clip, hz).length).toBeGreaterThan(0);
});

test('a prompt is a source of its own: the channels of participants have nothing of it', async () => {
  const [recording, { toAll }] = await recorded('unmixed');
  const { clip, metadata } = recording;
  const channels = new Map(
    metadata.participants.map(({ participantId, channel }) => [participantId, channel]),
  );
  const own = channels.get('8:acs:tapedeck_tapedeck');
  const channel = (index: number | undefined): WavClip => channelOf(clip, index ?? -1);
  expect(own).toBeDefined();
  expectPlayed(recording, channel(own), PROMPT_HZ, toAll);
  for (const [name, hz] of [
    ['anna', ANNA_HZ],
    ['bert', BERT_HZ],
  ] as const) {
    const of = channel(channels.get(session.phones.identifierOf(name).id));
    expect(spans(of, hz).length, `${name} on a channel`).toBeGreaterThan(0);
    expect(spans(of, PROMPT_HZ)).toEqual([]);
    expect(spans(channel(own), hz)).toEqual([]);
  }
});
