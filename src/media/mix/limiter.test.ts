import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sine } from '../tone/sine.ts';
import { levelDb, toneAmplitude } from '../tone/tone-meter.ts';
import { MixLimiter } from './limiter.ts';
import { addSamples } from './mix.ts';

const FRAME = 320;
const RATE_HZ = 16_000;

function sumOf(voices: readonly Int16Array[]): Int32Array {
  const sum = new Int32Array(voices[0]!.length);
  for (const voice of voices) addSamples(sum, 0, voice);
  return sum;
}

/** Frame by frame, of whole frames. */
function limited(sum: Int32Array, own?: Int16Array): Int16Array {
  const limiter = new MixLimiter();
  const output = new Int16Array(sum.length);
  for (let at = 0; at < sum.length; at += FRAME) {
    const mine = own?.subarray(at, at + FRAME);
    limiter.mixWithout(sum.subarray(at, at + FRAME), mine, output.subarray(at));
  }
  return output;
}

/** Tones with no common factor, each at its own phase. */
function tones(count: number, amplitude: number, seconds = 2): Int16Array[] {
  return Array.from({ length: count }, (_, at) =>
    sine({ frequencyHz: 300 + 130 * at, amplitude, phase: at }, RATE_HZ, seconds * RATE_HZ),
  );
}

test('below the knee the sum without the own voice comes through bit by bit', () => {
  const quiet = fc.integer({ min: -28_000, max: 28_000 });
  const sample = fc.integer({ min: -32_768, max: 32_767 });
  fc.assert(
    fc.property(fc.array(fc.tuple(quiet, sample), { minLength: 1, maxLength: 320 }), (all) => {
      const own = Int16Array.from(all, ([, mine]) => mine);
      const total = Int32Array.from(all, ([others, mine]) => others + mine);
      const output = new Int16Array(all.length);
      new MixLimiter().mixWithout(total, own, output);
      expect([...output]).toEqual(all.map(([others]) => others));
    }),
  );
});

test('no sum, however loud, wraps around or reaches the limit', () => {
  const frame = fc.array(fc.integer({ min: -60 * 32_768, max: 60 * 32_767 }), {
    minLength: FRAME,
    maxLength: FRAME,
  });
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
      const sum = Int32Array.from(frames.flat());
      const output = limited(sum);
      output.forEach((value, at) => {
        expect(Math.abs(value)).toBeLessThan(32_768);
        expect(value === 0 || Math.sign(value) === Math.sign(sum[at]!)).toBe(true);
      });
    }),
    { numRuns: 30 },
  );
});

describe('ten voices, four times as loud as fits', () => {
  const voices = tones(10, 12_000);
  const output = limited(sumOf(voices));

  test('each of them is heard as loud as the others', () => {
    const levels = voices.map((_, at) =>
      levelDb(toneAmplitude(output, RATE_HZ, 300 + 130 * at, RATE_HZ, RATE_HZ), 12_000),
    );
    expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(1);
    expect(Math.min(...levels)).toBeGreaterThan(-16);
  });

  test('what was in none of them stays 40 dB below', () => {
    for (const hz of [100, 365, 1000, 2250, 3000, 4000, 6000]) {
      const level = levelDb(toneAmplitude(output, RATE_HZ, hz, RATE_HZ, RATE_HZ), 12_000);
      const loudest = levelDb(toneAmplitude(output, RATE_HZ, 300, RATE_HZ, RATE_HZ), 12_000);
      expect(level - loudest, `${hz} Hz`).toBeLessThan(-40);
    }
  });
});

test('a shout turns the gain down without a click, and it comes back to exactly 1', () => {
  const [steady] = tones(1, 8000, 4);
  const shout = new Int16Array(steady!.length);
  shout.set(sine({ frequencyHz: 250, amplitude: 30_000 }, RATE_HZ, RATE_HZ / 2), RATE_HZ);
  const sum = sumOf([steady!, shout, shout]);
  const output = limited(sum);
  // The gain may not step: the output is never steeper than the sum.
  let steepest = 0;
  let allowed = 0;
  for (let at = 1; at < sum.length; at += 1) {
    steepest = Math.max(steepest, Math.abs(output[at]! - output[at - 1]!));
    allowed = Math.max(allowed, Math.abs(sum[at]! - sum[at - 1]!));
  }
  expect(steepest).toBeLessThan(1.05 * allowed);
  expect(output.subarray(0, RATE_HZ)).toEqual(Int16Array.from(sum.subarray(0, RATE_HZ)));
  const behind = 3 * RATE_HZ;
  expect(output.subarray(behind)).toEqual(Int16Array.from(sum.subarray(behind)));
});
