import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sine } from './sine.ts';
import { findTone, levelDb, toneAmplitude } from './tone-meter.ts';

test('the meter reads the amplitude that was generated, at any phase and part of the tone', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 300, max: 3400, noNaN: true }),
      fc.double({ min: 0, max: 6.28, noNaN: true }),
      fc.nat({ max: 100_000 }),
      (frequencyHz, phase, from) => {
        const tone = sine({ frequencyHz, amplitude: 5000, phase }, 8000, 800, from);
        expect(Math.abs(levelDb(toneAmplitude(tone, 8000, frequencyHz), 5000))).toBeLessThan(0.05);
      },
    ),
  );
});

test('a tone is hardly heard at the frequency of another', () => {
  const tone = sine({ frequencyHz: 440, amplitude: 10_000 }, 16_000, 320);
  expect(levelDb(toneAmplitude(tone, 16_000, 1000), 10_000)).toBeLessThan(-45);
});

test('planned tones are found at their times and levels, beside another tone', () => {
  const samples = sine({ frequencyHz: 440, amplitude: 4000 }, 8000, 8000);
  for (const [startMs, endMs] of [
    [100, 250],
    [600, 900],
  ] as const) {
    const tone = sine({ frequencyHz: 1000, amplitude: 8000 }, 8000, (endMs - startMs) * 8);
    tone.forEach((sample, at) => (samples[startMs * 8 + at]! += sample));
  }
  const spans = findTone(samples, 8000, { frequencyHz: 1000, threshold: 4000 });
  expect(
    spans.map(({ startMs, endMs }) => [startMs, endMs].map((ms) => Math.round(ms / 5) * 5)),
  ).toEqual([
    [100, 250],
    [600, 900],
  ]);
  for (const span of spans) expect(Math.abs(levelDb(span.amplitude, 8000))).toBeLessThan(0.1);
});

test('a short gap divides a tone unless it is bridged', () => {
  const samples = sine({ frequencyHz: 1000, amplitude: 8000 }, 8000, 4000);
  samples.fill(0, 2000, 2400);
  const search = { frequencyHz: 1000, threshold: 4000 };
  expect(findTone(samples, 8000, search)).toHaveLength(2);
  expect(findTone(samples, 8000, { ...search, bridgeMs: 60 })).toHaveLength(1);
});
