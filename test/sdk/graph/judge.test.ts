import { expect, test } from 'vitest';
import { encodeG711 } from '../../../src/media/g711/g711.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { wavHeader } from '../../../src/media/wav/wav-header.ts';
import { BEEP_AMPLITUDE, BEEP_HZ } from '../../support/beep-heard.ts';
import type { HeardPacket } from '../../support/peers/media-line.ts';
import { samplesOfPlan } from '../../support/tone-plan.ts';
import { PROMPT_HZ, VOICE_AMPLITUDE, VOICE_HZ } from './caller.ts';
import { judgeRecording } from './judge.ts';

const PHONE_HZ = 8_000;
const PACKET_SAMPLES = 160;
const RECORDING_HZ = 16_000;
/** Of the call in which the beep is over. */
const BEEP_END_MS = 1_500;
const WORDS = [600, 1_200, 1_800].map((startMs) => ({ startMs, endMs: startMs + 400 }));
/** The last word, and the silence that ends the recording. */
const LENGTH_MS = 2_200 + 2_000;

type Recording = { readonly lateMs?: number; readonly lengthMs?: number; readonly other?: number };

/** Of words from the end of the beep on. */
function recording({ lateMs = 0, lengthMs = LENGTH_MS, other }: Recording = {}): Uint8Array {
  const spans = WORDS.map(({ startMs, endMs }) => {
    return { startMs: startMs + lateMs, endMs: endMs + lateMs };
  });
  const plan = { frequencyHz: VOICE_HZ, amplitude: VOICE_AMPLITUDE, spans, totalMs: lengthMs };
  const samples = samplesOfPlan(plan, RECORDING_HZ);
  if (other !== undefined) {
    const tone = { frequencyHz: other, amplitude: VOICE_AMPLITUDE };
    samples.set(sine(tone, RECORDING_HZ, RECORDING_HZ / 5), 2_500 * (RECORDING_HZ / 1_000));
  }
  const header = wavHeader({ sampleRateHz: RECORDING_HZ, channels: 1 }, samples.byteLength);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

/** As they come when everything is on time, but for those that a busy machine holds up. */
function packets(samples: Int16Array): readonly HeardPacket[] {
  const count = Math.floor(samples.length / PACKET_SAMPLES);
  return Array.from({ length: count }, (_, index) => {
    const from = index * PACKET_SAMPLES;
    const payload = new Uint8Array(PACKET_SAMPLES);
    encodeG711('PCMU', samples.subarray(from, from + PACKET_SAMPLES), payload);
    const atMs = (from * 1_000) / PHONE_HZ + (index % 3) * 15;
    return { payloadType: 0, timestamp: 90_000 + from, payload, atMs };
  });
}

const beep = {
  frequencyHz: BEEP_HZ,
  amplitude: BEEP_AMPLITUDE,
  // Its edges rise and fade, which those of a plan do not: half of that is added by who looks for it.
  spans: [{ startMs: BEEP_END_MS - 245, endMs: BEEP_END_MS - 5 }],
  totalMs: BEEP_END_MS + 100,
};
const speech = {
  frequencyHz: VOICE_HZ,
  amplitude: VOICE_AMPLITUDE,
  spans: WORDS.map(({ startMs, endMs }) => {
    return { startMs: startMs + BEEP_END_MS, endMs: endMs + BEEP_END_MS };
  }),
  totalMs: BEEP_END_MS + LENGTH_MS,
};
const tapped = {
  toPhone: packets(samplesOfPlan(beep)),
  fromPhone: packets(samplesOfPlan(speech)),
};

test('a recording that begins at the end of the beep and has all that was said passes', () => {
  expect(() => {
    judgeRecording(recording(), tapped);
  }).not.toThrow();
});

test.each<readonly [string, Recording, RegExp]>([
  ['begins too early', { lateMs: 25 }, /start of word 1/],
  ['has lost its beginning', { lateMs: -25 }, /start of word 1/],
  ['is too short', { lengthMs: LENGTH_MS - 60 }, /length of the recording/],
  ['is too long', { lengthMs: LENGTH_MS + 60 }, /length of the recording/],
  ['has a beep in it', { other: BEEP_HZ }, /beeps in the recording/],
  ['has the prompt in it', { other: PROMPT_HZ }, /prompts in the recording/],
  ['has a word too many', { other: VOICE_HZ }, /words in the recording/],
])('a recording that %s fails', (_, changed, why) => {
  expect(() => {
    judgeRecording(recording(changed), tapped);
  }).toThrow(why);
});
