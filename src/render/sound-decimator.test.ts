import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SoundDecimator } from './sound-decimator.ts';

function levelOf(frequencyHz: number): number {
  const wide = Int32Array.from({ length: 4000 }, (_, at) => {
    return Math.round(10_000 * Math.sin((2 * Math.PI * frequencyHz * at) / 16_000));
  });
  const narrow = new Int32Array(2000);
  new SoundDecimator().addTo(narrow, wide, 0, 2000);
  const steady = narrow.subarray(100);
  return Math.sqrt(steady.reduce((sum, sample) => sum + sample * sample, 0) / steady.length);
}

test('the telephone band keeps its level; what would be folded into it is taken away', () => {
  const full = 10_000 / Math.SQRT2;
  for (let hz = 100; hz <= 3200; hz += 155) {
    expect(Math.abs(20 * Math.log10(levelOf(hz) / full))).toBeLessThan(0.5);
  }
  for (let hz = 4900; hz <= 7900; hz += 155) {
    expect(20 * Math.log10(levelOf(hz) / full)).toBeLessThan(-40);
  }
});

test('it does not matter how the sound is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -30_000, max: 30_000 }), { minLength: 2, maxLength: 400 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
      (samples, sizes) => {
        const count = samples.length >> 1;
        const wide = Int32Array.from(samples);
        const whole = new Int32Array(count);
        new SoundDecimator().addTo(whole, wide, 0, count);
        const parts = new Int32Array(count);
        const decimator = new SoundDecimator();
        for (let from = 0, turn = 0; from < count; turn += 1) {
          const to = Math.min(count, from + sizes[turn % sizes.length]!);
          decimator.addTo(parts, wide, from, to);
          from = to;
        }
        expect(parts).toEqual(whole);
      },
    ),
  );
});
