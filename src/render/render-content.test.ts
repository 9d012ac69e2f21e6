import { expect, test } from 'vitest';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import { findTone, levelDb } from '../media/tone/tone-meter.ts';
import { talk } from './testing/packets.ts';
import { render } from './testing/render-setup.ts';

/** Silence with tones at planned times. */
function speech(
  frequencyHz: number,
  amplitude: number,
  lengthMs: number,
  tonesMs: readonly (readonly [number, number])[],
): Uint8Array {
  const samples = new Int16Array(lengthMs * 8);
  for (const [fromMs, toMs] of tonesMs) {
    samples.set(sine({ frequencyHz, amplitude }, 8000, (toMs - fromMs) * 8), fromMs * 8);
  }
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}

test('each side is in the mix at its planned times and at its level', async () => {
  const tonesA = [
    [500, 1500],
    [2500, 3000],
  ] as const;
  const tonesB = [
    [1000, 2000],
    [4000, 4800],
  ] as const;
  const { samples, chunk } = await render({
    streams: [
      {
        participantId: 'a',
        packets: talk({ ssrc: 1, startUs: 0 }, speech(440, 8000, 5000, tonesA)),
      },
      {
        participantId: 'b',
        packets: talk({ ssrc: 2, startUs: 200_000 }, speech(1000, 4000, 4800, tonesB)),
      },
    ],
    endUs: 5_000_000,
  });
  expect(chunk).toMatchObject({ durationMs: 5000, sampleRateHz: 16_000, latePackets: 0 });
  expect(chunk.participants).toEqual([{ participantId: 'a' }, { participantId: 'b' }]);
  for (const [hz, amplitude, startMs, tones] of [
    [440, 8000, 0, tonesA],
    [1000, 4000, 200, tonesB],
  ] as const) {
    const found = findTone(samples, 16_000, { frequencyHz: hz, threshold: amplitude / 2 });
    expect(found).toHaveLength(tones.length);
    found.forEach((span, at) => {
      expect(Math.abs(span.startMs - startMs - tones[at]![0])).toBeLessThan(5);
      expect(Math.abs(span.endMs - startMs - tones[at]![1])).toBeLessThan(5);
      expect(Math.abs(levelDb(span.amplitude, amplitude))).toBeLessThan(0.5);
    });
  }
});
