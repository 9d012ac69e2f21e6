import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VoiceActivity } from '../media/voice/voice-activity.ts';
import { generateJournal, type PlannedStream } from './testing/journal-generator.ts';
import { talk } from './testing/packets.ts';
import { JOURNAL_DIRECTORY, RenderSetup, UNMIXED_JOB } from './testing/render-setup.ts';
import { spoken } from './testing/spoken.ts';

const LENGTH_MS = 10_000;

/** Silence with a recorded voice from `fromMs` on. */
function voice(name: string, fromMs: number): Uint8Array {
  const codes = new Uint8Array(LENGTH_MS * 8).fill(0xff);
  const path = new URL(`../../test/fixtures/voice/${name}.ulaw`, import.meta.url);
  codes.set(readFileSync(path).subarray(0, (LENGTH_MS - fromMs) * 8), fromMs * 8);
  return codes;
}

function stream(participantId: string, ssrc: number, codes: Uint8Array): PlannedStream {
  return { participantId, packets: talk({ ssrc, startUs: 0 }, codes) };
}

test('channels are given in the order of first speech; whoever only beeps gets what is left', async () => {
  const setup = new RenderSetup({ newDetector: () => new VoiceActivity() });
  const beeps = spoken({
    frequencyHz: 440,
    amplitude: 6000,
    lengthMs: LENGTH_MS,
    tonesMs: [
      [0, 1000],
      [2000, 9000],
    ],
  });
  const later = voice('english-man', 5000);
  const sooner = voice('german-man-slow', 1000);
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [stream('beeps', 1, beeps), stream('later', 2, later), stream('sooner', 3, sooner)],
    endUs: LENGTH_MS * 1000,
  });
  const { chunk, channels } = await setup.finish(UNMIXED_JOB);
  expect(chunk.participants).toEqual([
    { participantId: 'beeps', channel: 2 },
    { participantId: 'later', channel: 1 },
    { participantId: 'sooner', channel: 0 },
  ]);
  const firstHeardMs = channels.map(
    (samples) => samples.findIndex((sample) => Math.abs(sample) > 200) / 16,
  );
  expect(firstHeardMs[0]).toBeGreaterThan(995);
  expect(firstHeardMs[0]).toBeLessThan(1500);
  expect(firstHeardMs[1]).toBeGreaterThan(4995);
  expect(firstHeardMs[1]).toBeLessThan(5500);
});

/** Nothing but a participant of the name, who is silent but for `parts` of a recorded voice. */
function uttered(fromMs: number, lengthMs: number): Uint8Array {
  const codes = new Uint8Array(LENGTH_MS * 8).fill(0xff);
  const whole = voice('english-woman', 0);
  codes.set(whole.subarray(0, lengthMs * 8), fromMs * 8);
  return codes;
}

/** Hum of the mains, −46 dB: too loud for silence, and no sound of anybody. */
function hum(): Uint8Array {
  return spoken({
    frequencyHz: 50,
    amplitude: 230,
    lengthMs: LENGTH_MS,
    tonesMs: [[0, LENGTH_MS]],
  });
}

test('a word that is too short to be recognised is in the file; hum and silence have no channel', async () => {
  const setup = new RenderSetup({ newDetector: () => new VoiceActivity() });
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [
      stream('hums', 1, hum()),
      stream('yes', 2, uttered(2000, 400)),
      stream('silent', 3, new Uint8Array(LENGTH_MS * 8).fill(0xff)),
      stream('talks', 4, voice('german-man-slow', 4000)),
    ],
    endUs: LENGTH_MS * 1000,
  });
  const { chunk, channels } = await setup.finish(UNMIXED_JOB);
  expect(chunk.participants).toEqual([
    { participantId: 'hums' },
    { participantId: 'yes', channel: 1 },
    { participantId: 'silent' },
    { participantId: 'talks', channel: 0 },
  ]);
  const firstHeardMs = channels[1]!.findIndex((sample) => Math.abs(sample) > 200) / 16;
  expect(firstHeardMs).toBeGreaterThan(1990);
  expect(firstHeardMs).toBeLessThan(2300);
});
