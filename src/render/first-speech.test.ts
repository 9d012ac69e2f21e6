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

test('channels are given in the order of first speech; whoever only beeps has none', async () => {
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
    { participantId: 'beeps' },
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
