import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { findTone, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { channelOf, clipOf, loudestDb, RecordingSession } from '../support/recording-session.ts';
import { writeSamples } from '../support/tone-plan.ts';

/**
 * Six phones on one call that is recorded unmixed on five channels. Each says a sentence, since only
 * who speaks gets a channel, and then a tone that says who it was; again and again.
 */
const VOICES: URL = new URL('../fixtures/voice/', import.meta.url);
const RATE_HZ = 8_000;
const SENTENCE_MS = 1_400;
const TONE_MS = 400;
const SILENCE_MS = 200;
/** For whoever came last to have spoken, and to have said who it was. */
const ROUND_MS = 2_600;
/** −6 dB below full scale. */
const AMPLITUDE = 16_384;

type Phone = { readonly phoneNumber: string; readonly voice: string; readonly toneHz: number };
const phone = (last: number, voice: string, toneHz: number): Phone => ({
  phoneNumber: `+1555020${last}`,
  voice,
  toneHz,
});
/** The first is pinned by affinity, the second by the order; both are in the call from the start. */
const PINNED = phone(0, 'american-man', 1_700);
const ORDERED = phone(1, 'english-woman', 2_100);
const REJOINING = phone(2, 'french-woman', 2_500);
const LATE = phone(3, 'german-man-slow', 2_900);
const LATER = phone(4, 'italian-woman', 3_300);
const SIXTH = phone(5, 'scottish-man', 1_300);
const PHONES = [PINNED, ORDERED, REJOINING, LATE, LATER, SIXTH];

let scratch: string;
let session: RecordingSession;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-six-'));
  const sim = await Promise.all(
    PHONES.map(async ({ phoneNumber, voice, toneHz }) => {
      const encoded = await readFile(new URL(`${voice}.ulaw`, VOICES));
      const samples = new Int16Array((SENTENCE_MS * RATE_HZ) / 1000);
      decodeG711('PCMU', encoded.subarray(0, samples.length), samples);
      const path = join(scratch, `${voice}.wav`);
      await writeSamples(samples, path);
      const script = [
        { speak: path },
        { tone: toneHz, for: `${TONE_MS}ms` },
        { silence: `${SILENCE_MS}ms` },
      ];
      return { identifier: phoneNumber, script, loop: true, answerAfter: '20ms' };
    }),
  );
  session = await RecordingSession.open({ file: { sim } });
});

afterAll(async () => {
  await session.close();
  await rm(scratch, { recursive: true });
});

const invited = ({ phoneNumber }: Phone): unknown => ({ targetParticipant: { phoneNumber } });

async function add(callConnectionId: string, who: Phone): Promise<void> {
  await session.sdk.call('connection', callConnectionId, 'addParticipant', invited(who));
  await session.events.next(
    'AddParticipantSucceeded',
    ({ data }) =>
      (data['participant'] as { rawId?: string } | undefined)?.rawId === `4:${who.phoneNumber}`,
  );
}

/** Where a phone said who it was. The tones are long: finer steps would take as long as the call. */
function tonesOf(clip: WavClip, frequencyHz: number): readonly ToneSpan[] {
  const { samples, sampleRateHz } = clip;
  const search = { frequencyHz, threshold: AMPLITUDE / 2, windowMs: 40, stepMs: 20 };
  return findTone(samples, sampleRateHz, search);
}

test('six phones on five channels: affinity, order, speech; late, again, and one too many', async () => {
  const call = await session.connect(PINNED, ORDERED, REJOINING);
  const { callConnectionId } = call;
  const { recordingId } = await session.start(call, {
    recordingChannel: 'unmixed',
    audioChannelParticipantOrdering: [{ phoneNumber: ORDERED.phoneNumber }],
    channelAffinity: [{ channel: 3, targetParticipant: { phoneNumber: PINNED.phoneNumber } }],
  });
  // Long enough for the first three, then for each that comes, to have spoken.
  await delay(ROUND_MS);
  await add(callConnectionId, LATE);
  await delay(ROUND_MS);
  await session.sdk.call('connection', callConnectionId, 'removeParticipant', {
    phoneNumber: REJOINING.phoneNumber,
  });
  await session.events.next('RemoveParticipantSucceeded');
  await add(callConnectionId, LATER);
  await delay(ROUND_MS);
  await add(callConnectionId, REJOINING);
  await add(callConnectionId, SIXTH);
  await delay(ROUND_MS);
  await session.sdk.call('stopRecording', recordingId);
  const chunk = await session.finished(recordingId);
  await session.hangUp(call);

  const clip = clipOf(await session.download(chunk.contentLocation));
  expect(clip.channels).toBe(5);
  const { participants } = await session.metadataOf(chunk);
  const channels = new Map(participants.map((one) => [one.participantId, one.channel]));
  expect(PHONES.map(({ phoneNumber }) => channels.get(`4:${phoneNumber}`))).toEqual([
    3,
    0,
    1,
    2,
    4,
    undefined,
  ]);

  for (const { phoneNumber, toneHz } of PHONES) {
    const own = channels.get(`4:${phoneNumber}`);
    for (let channel = 0; channel < clip.channels; channel += 1) {
      const heard = tonesOf(channelOf(clip, channel), toneHz);
      if (channel === own) expect(heard.length, `${phoneNumber} on its channel`).toBeGreaterThan(0);
      else expect(heard, `${phoneNumber} on channel ${channel}`).toEqual([]);
    }
  }
  // Who left and came again is heard before and after, and not meanwhile.
  const again = tonesOf(channelOf(clip, 1), REJOINING.toneHz);
  const gaps = again.slice(1).map(({ startMs }, index) => startMs - (again[index]?.endMs ?? 0));
  expect(Math.max(...gaps)).toBeGreaterThan(ROUND_MS);
  expect(loudestDb(channelOf(clip, 1), REJOINING.toneHz)).toBeGreaterThan(-7);
});
