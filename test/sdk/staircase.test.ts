import { expect, test } from 'vitest';
import { sine } from '../../src/media/tone/sine.ts';
import { findClimbs, missingMs, ROUND_MS, staircaseScript, STEADY_HZ } from './staircase.ts';

const RATE_HZ = 16_000;
const AMPLITUDE = 16_384;

/** What a file holds that has these stretches of the round, with the steady tone over all of it. */
function fileOf(
  stretches: readonly { readonly fromMs: number; readonly toMs: number }[],
): Int16Array {
  const script = staircaseScript();
  const samples: number[] = [];
  for (const { fromMs, toMs } of stretches) {
    for (let ms = fromMs; ms < toMs; ms += 1) {
      const stair = script[Math.floor((ms % ROUND_MS) / 100)]!;
      const from = (ms * RATE_HZ) / 1000;
      samples.push(...sine({ frequencyHz: stair.tone, amplitude: AMPLITUDE }, RATE_HZ, 16, from));
    }
  }
  const steady = sine({ frequencyHz: STEADY_HZ, amplitude: 8_000 }, RATE_HZ, samples.length, 0);
  return Int16Array.from(samples, (sample, at) => sample + steady[at]!);
}

test('an unbroken file is one climb, at the moment that it was cut from', () => {
  const [climb, ...others] = findClimbs(fileOf([{ fromMs: 230, toMs: 1_730 }]), RATE_HZ);
  expect(others).toEqual([]);
  expect(climb!.startMs).toBe(0);
  expect(climb!.endMs).toBeGreaterThan(1_480);
  expect(Math.abs(climb!.saidAtMs - 230)).toBeLessThanOrEqual(20);
});

test('the round may begin again in the middle', () => {
  const climbs = findClimbs(fileOf([{ fromMs: ROUND_MS - 420, toMs: ROUND_MS + 610 }]), RATE_HZ);
  expect(climbs).toHaveLength(1);
});

test.each([60, 140, 480, 1_730])('%i ms that are not in the file are found missing', (cutMs) => {
  const file = fileOf([
    { fromMs: 130, toMs: 900 },
    { fromMs: 900 + cutMs, toMs: 1_700 + cutMs },
  ]);
  const climbs = findClimbs(file, RATE_HZ);
  expect(climbs).toHaveLength(2);
  const missing = missingMs(climbs[0]!, climbs[1]!);
  expect(Math.abs(missing - cutMs)).toBeLessThanOrEqual(40);
});

test('80 ms of the pause in the middle of the cut are not passed over', () => {
  const file = fileOf([
    { fromMs: 100, toMs: 900 },
    { fromMs: 1_200, toMs: 1_280 },
    { fromMs: 1_900, toMs: 2_600 },
  ]);
  expect(findClimbs(file, RATE_HZ).length).toBeGreaterThan(2);
});

test('silence holds no climb', () => {
  expect(findClimbs(new Int16Array(RATE_HZ), RATE_HZ)).toEqual([]);
});
