import { expect, test } from 'vitest';
import { sine } from '../../src/media/tone/sine.ts';
import { TONE_PEAK } from '../support/load/payloads.ts';
import { checkChannel, checkTones, farthestDb } from '../support/load/tone-check.ts';

const RATE_HZ = 16_000;
const STRETCH = { fromMs: 0, toMs: 200 };

/** 200 ms. */
function tone(frequencyHz: number, levelDb = 0): Int16Array {
  const amplitude = TONE_PEAK * 32_768 * 10 ** (levelDb / 20);
  return sine({ frequencyHz, amplitude }, RATE_HZ, RATE_HZ / 5);
}

function sum(a: Int16Array, b: Int16Array): Int16Array {
  return a.map((sample, at) => sample + (b[at] ?? 0));
}

test('both tones of a call are right within 1 dB, and in no frame in which one is missing', () => {
  const tones = { callerHz: 300, calleeHz: 1_900 };
  const both = sum(tone(300, 0.9), tone(1_900, -0.9));
  expect(checkTones(both, RATE_HZ, tones, STRETCH)).toEqual({ framesChecked: 10, wrongFrames: [] });
  for (const wrong of [tone(1_900), sum(tone(300), tone(1_900, -1.1))]) {
    const holed = both.slice();
    holed.set(wrong.subarray(320, 640), 320);
    expect(checkTones(holed, RATE_HZ, tones, STRETCH).wrongFrames).toEqual([1]);
  }
});

test('a channel that holds the other leg too, or only, is wrong throughout', () => {
  const tones = { presentHz: [300], absentHz: [1_900] };
  const wrongFrames = (samples: Int16Array): number =>
    checkChannel(samples, RATE_HZ, tones, STRETCH).wrongFrames.length;
  expect(wrongFrames(sum(tone(300), tone(1_900, -35)))).toBe(0);
  expect(wrongFrames(sum(tone(300), tone(1_900, -25)))).toBe(10);
  expect(wrongFrames(tone(1_900))).toBe(10);
});

test('frames behind the end of the samples are wrong', () => {
  const tones = { callerHz: 300, calleeHz: 300 };
  const check = checkTones(tone(300), RATE_HZ, tones, { fromMs: 0, toMs: 240 });
  expect(check).toEqual({ framesChecked: 12, wrongFrames: [10, 11] });
});

test('how far a tone is off is found wherever it is, and before the first frame it does not matter', () => {
  const samples = tone(300, 0.5);
  samples.set(tone(300, -3).subarray(0, 160), 320 + 80);
  expect(farthestDb(samples, RATE_HZ, 300, 3)).toBeCloseTo(0.5, 1);
  expect(farthestDb(samples, RATE_HZ, 300, 0)).toBeGreaterThan(1);
  expect(farthestDb(samples, RATE_HZ, 350, 3)).toBeGreaterThan(30);
});
