import { expect, test } from 'vitest';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import { impair, seeded, talk } from './testing/packets.ts';
import { renderTracks } from './testing/tracks-setup.ts';

/** Enough for drifts of ten milliseconds. */
const SECONDS = 40;

function tone(frequencyHz: number): Uint8Array {
  const codes = new Uint8Array(SECONDS * 8000);
  encodeG711('PCMU', sine({ frequencyHz, amplitude: 6000 }, 8000, codes.length), codes);
  return codes;
}

test('what is rendered from a sample on is what a whole rendering has there, also while clocks drift', async () => {
  const random = seeded(3);
  const network = { loss: 0.02, jitterUs: 30_000, reordered: 0.02, duplicated: 0.02 };
  const plan = {
    streams: [
      impair(talk({ ssrc: 1, startUs: 0, driftPpm: 450 }, tone(440)), network, random),
      impair(talk({ ssrc: 2, startUs: 1_000_000, driftPpm: -400 }, tone(1000)), network, random),
    ],
    endUs: SECONDS * 1_000_000,
  };
  const whole = await renderTracks(plan);
  for (const start of [1, 17, 37, 200_001, SECONDS * 8000 - 1000]) {
    const late = await renderTracks(plan, start);
    late.channels.forEach((samples, channel) => {
      const expected = whole.channels[channel]!.subarray(2 * start);
      expect(samples.length).toBe(expected.length);
      expect(samples.findIndex((sample, at) => sample !== expected[at])).toBe(-1);
    });
  }
});
