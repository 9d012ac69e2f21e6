import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HalfBandUpsampler } from './half-band-upsampler.ts';
import { addSlewed, INTERPOLATOR_REACH } from './slew-interpolator.ts';

/** Upsamples in calls of the given sizes, then flushes. */
function upsample(input: ArrayLike<number>, sizes: readonly number[]): Int16Array {
  const upsampler = new HalfBandUpsampler();
  const samples = Int32Array.from(input);
  const into = new Int16Array(2 * input.length);
  let done = 0;
  let written = 0;
  for (let turn = 0; done < input.length; turn += 1) {
    const count = Math.min(sizes[turn % sizes.length]!, input.length - done);
    written += upsampler.process(samples, done, done + count, into, written);
    done += count;
  }
  written += upsampler.flush(into, written);
  expect(written).toBe(into.length);
  return into;
}

/** Signal to noise in decibels, edges of the signal left out. */
function snrDb(actual: ArrayLike<number>, ideal: (at: number) => number, edge: number): number {
  let signal = 0;
  let noise = 0;
  for (let at = edge; at < actual.length - edge; at += 1) {
    signal += ideal(at) ** 2;
    noise += (actual[at]! - ideal(at)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

describe('doubling the rate', () => {
  test('keeps tones of the whole telephone band at 80 dB against ideal resampling', () => {
    for (let hz = 50; hz <= 3400; hz += 67) {
      const tone = (at: number): number => 20_000 * Math.sin((2 * Math.PI * hz * at) / 16_000 + 1);
      const input = Array.from({ length: 4000 }, (_, at) => Math.round(tone(2 * at)));
      expect(snrDb(upsample(input, [4000]), tone, 64), `${hz} Hz`).toBeGreaterThan(80);
    }
  });

  test('keeps every input sample in its place', () => {
    fc.assert(
      fc.property(fc.int16Array({ minLength: 1, maxLength: 100 }), (input) => {
        const output = upsample(input, [7]);
        expect(Int16Array.from(input, (_, at) => output[2 * at]!)).toEqual(input);
      }),
    );
  });

  test('gives the same samples however the input is divided', () => {
    fc.assert(
      fc.property(
        fc.int16Array({ minLength: 1, maxLength: 200 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        (input, sizes) => {
          expect(upsample(input, sizes)).toEqual(upsample(input, [input.length]));
        },
      ),
    );
  });

  test('clips what is too loud instead of wrapping around', () => {
    const loud = upsample(
      Array.from({ length: 80 }, (_, at) => (at < 40 ? 60_000 : -60_000)),
      [80],
    );
    expect([loud[40], loud[41], loud[120], loud[121]]).toEqual([32_767, 32_767, -32_768, -32_768]);
  });
});

describe('doubling the rate with something added at the doubled rate', () => {
  const quiet = fc.array(fc.integer({ min: -9000, max: 9000 }), { minLength: 1, maxLength: 300 });

  test('adds each sample in its place, however the input is divided, also while nothing is added', () => {
    fc.assert(
      fc.property(
        quiet,
        fc.infiniteStream(fc.integer({ min: -9000, max: 9000 })),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), {
          minLength: 1,
          maxLength: 8,
        }),
        (input, more, turns) => {
          const samples = Int32Array.from(input);
          const addend = Int32Array.from(more.take(2 * input.length));
          const expected = upsample(input, [input.length]);
          const upsampler = new HalfBandUpsampler();
          const into = new Int16Array(2 * input.length);
          let written = 0;
          for (let done = 0, turn = 0; done < input.length; turn += 1) {
            const [size, isAdding] = turns[turn % turns.length]!;
            const end = Math.min(input.length, done + size);
            const added = isAdding ? addend : undefined;
            written += upsampler.process(samples, done, end, into, written, added);
            for (let at = 2 * done; isAdding && at < 2 * end; at += 1) expected[at]! += addend[at]!;
            done = end;
          }
          expect(written + upsampler.flush(into, written)).toBe(into.length);
          expect(into).toEqual(expected);
        },
      ),
    );
  });

  test('clips the sum, and not what it is made of', () => {
    const upsampler = new HalfBandUpsampler();
    const into = new Int16Array(200);
    const addend = new Int32Array(200).fill(-45_000);
    upsampler.process(new Int32Array(100).fill(60_000), 0, 100, into, 0, addend);
    expect([into[80], into[81]]).toEqual([15_000, 15_000]);
    const louder = new Int32Array(200).fill(90_000);
    upsampler.process(new Int32Array(100).fill(60_000), 0, 100, into, 0, louder);
    expect(into[150]).toBe(32_767);
  });
});

describe('following a clock', () => {
  const count = 16_000;

  function slewed(hz: number, position: number, step: number): Int32Array {
    const source = Float64Array.from({ length: count + 100 }, (_, at) =>
      Math.round(20_000 * Math.sin((2 * Math.PI * hz * at) / 8000)),
    );
    const sum = new Int32Array(count);
    addSlewed(sum, 0, count, source, position, step);
    return sum;
  }

  test.each([1.0005, 0.9995])('a steady tone keeps 60 dB at a pace of %f', (step) => {
    for (let hz = 50; hz <= 3400; hz += 67) {
      const start = INTERPOLATOR_REACH + 20.3;
      const ideal = (at: number): number =>
        20_000 * Math.sin((2 * Math.PI * hz * (start + at * step)) / 8000);
      expect(snrDb(slewed(hz, start, step), ideal, 0), `${hz} Hz`).toBeGreaterThan(60);
    }
  });

  test('a whole position at an even pace is the signal itself', () => {
    const source = Float64Array.from({ length: 100 }, (_, at) => (at * 7919) % 1000);
    const sum = new Int32Array(50);
    addSlewed(sum, 0, 50, source, 20, 1);
    expect([...sum]).toEqual([...source.subarray(20, 70)]);
  });

  test('divided at any sample it gives the same, and adds to what is there', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.boolean(), (cut, slower) => {
        const source = Float64Array.from({ length: 120 }, (_, at) => ((at * 7919) % 1000) * 10);
        const step = slower ? 0.9995 : 1.0005;
        const whole = new Int32Array(50).fill(5);
        addSlewed(whole, 0, 50, source, 30, step);
        const parts = new Int32Array(50).fill(5);
        addSlewed(parts, 0, cut, source, 30, step);
        addSlewed(parts, cut, 50 - cut, source, 30 + cut * step, step);
        parts.forEach((sample, at) => expect(Math.abs(sample - whole[at]!)).toBeLessThanOrEqual(1));
      }),
    );
  });
});
