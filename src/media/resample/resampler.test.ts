import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sine } from '../tone/sine.ts';
import { HalfBandDownsampler } from './half-band-downsampler.ts';
import { nearestFraction } from './nearest-fraction.ts';
import { Resampler } from './resampler.ts';

const AMPLITUDE = 20_000;

function tone(frequencyHz: number, rateHz: number, count: number): Int16Array {
  return sine({ frequencyHz, amplitude: AMPLITUDE, phase: 1 }, rateHz, count);
}

/** In calls of the given sizes, and to the end. */
function resample(
  input: Int16Array,
  [inputRateHz, outputRateHz]: readonly [number, number],
  sizes: readonly number[] = [5000],
): Int16Array {
  const resampler = new Resampler(inputRateHz, outputRateHz);
  const into = new Int16Array(resampler.mostFor(input.length + resampler.flushSamples));
  let done = 0;
  let written = 0;
  for (let turn = 0; done < input.length; turn += 1) {
    const end = Math.min(input.length, done + sizes[turn % sizes.length]!);
    written += resampler.process(input, done, end, into, written);
    done = end;
  }
  return into.slice(0, written + resampler.flush(into, written));
}

/** Of what is there to what should be, in decibels, without the edges. */
function snrDb(actual: Int16Array, ideal: (at: number) => number, edge = 200): number {
  let signal = 0;
  let noise = 0;
  for (let at = edge; at < actual.length - edge; at += 1) {
    signal += ideal(at) ** 2;
    noise += (actual[at]! - ideal(at)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

function powerDb(samples: Int16Array, edge = 200): number {
  const inner = samples.subarray(edge, samples.length - edge);
  const mean = inner.reduce((sum, sample) => sum + sample * sample, 0) / inner.length;
  return 10 * Math.log10(Math.max(mean, 1e-3) / (AMPLITUDE ** 2 / 2));
}

const PAIRS = [
  [8000, 16_000],
  [16_000, 8000],
  [16_000, 24_000],
  [24_000, 16_000],
  [11_025, 16_000],
  [12_000, 16_000],
  [22_050, 16_000],
  [32_000, 16_000],
  [44_100, 16_000],
  [48_000, 16_000],
] as const;

describe.each(PAIRS)('from %i to %i Hz', (from, to) => {
  const lower = Math.min(from, to);

  test('tones of the band keep 70 dB against the ideal', () => {
    for (let part = 0.01; part <= 0.435; part += 0.03) {
      const hz = part * lower;
      const output = resample(tone(hz, from, from / 5), [from, to]);
      const ideal = (at: number): number => AMPLITUDE * Math.sin((2 * Math.PI * hz * at) / to + 1);
      expect(snrDb(output, ideal), `${hz} Hz`).toBeGreaterThan(70);
    }
  });

  test('the output is as long as the input', () => {
    expect(resample(new Int16Array(from / 5), [from, to])).toHaveLength(to / 5);
  });
});

test.each(PAIRS.filter(([from, to]) => from > to))(
  'of %i Hz, nothing above the band of %i Hz comes through',
  (from, to) => {
    for (let hz = 0.565 * to; hz < from / 2; hz += 0.04 * to) {
      const output = resample(tone(hz, from, from / 5), [from, to]);
      expect(powerDb(output), `${hz} Hz`).toBeLessThan(-70);
    }
  },
);

test('the output does not depend on how the input is divided', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PAIRS, [16_000, 16_000] as const, [48_000, 8000] as const),
      fc.int16Array({ minLength: 1, maxLength: 600 }),
      fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 8 }),
      (pair, input, sizes) => {
        expect(resample(input, pair, sizes)).toEqual(resample(input, pair));
      },
    ),
  );
});

test('the same rate is the signal itself', () => {
  fc.assert(
    fc.property(fc.int16Array({ maxLength: 300 }), (input) => {
      expect(resample(input, [16_000, 16_000])).toEqual(input);
    }),
  );
});

test('what is too loud is clipped and does not wrap around', () => {
  const square = Int16Array.from({ length: 400 }, (_, at) => (at % 40 < 20 ? 32_767 : -32_768));
  const output = resample(square, [8000, 16_000]);
  for (let at = 80; at < 720; at += 1) {
    const isPositive = (at >> 1) % 40 < 20;
    const isInside = (at >> 1) % 20 > 3 && (at >> 1) % 20 < 16;
    if (isInside) expect(output[at]! > 0).toBe(isPositive);
  }
});

test('a rate that divides badly is taken as the nearest fraction', () => {
  expect(nearestFraction(16_000, 44_100, 640)).toEqual([160, 441]);
  expect(nearestFraction(16_000, 11_025, 640)).toEqual([640, 441]);
  expect(nearestFraction(16_000, 8000, 640)).toEqual([2, 1]);
  fc.assert(
    fc.property(fc.integer({ min: 8000, max: 48_000 }), (rateHz) => {
      const [top, bottom] = nearestFraction(16_000, rateHz, 640);
      expect(top).toBeLessThanOrEqual(640);
      expect(Math.abs((top / bottom) * (rateHz / 16_000) - 1)).toBeLessThan(8e-4);
    }),
  );
});

test.each([
  [8000, 16_000],
  [16_000, 24_000],
  [24_000, 16_000],
  [48_000, 16_000],
] as const)('live from %i to %i Hz, every 20 ms in are 20 ms out', (from, to) => {
  const resampler = new Resampler(from, to, 'live');
  const input = tone(440, from, from);
  const output = new Int16Array(to);
  const frame = from / 50;
  for (let at = 0; at < 50; at += 1) {
    const written = resampler.process(input, at * frame, (at + 1) * frame, output, (at * to) / 50);
    expect(written).toBe(to / 50);
  }
  const delay = resampler.flushSamples / from;
  const ideal = (at: number): number =>
    AMPLITUDE * Math.sin(2 * Math.PI * 440 * (at / to - delay) + 1);
  expect(snrDb(output, ideal)).toBeGreaterThan(70);
});

describe('halving the rate', () => {
  function halve(input: Int16Array, frame = 320): Int16Array {
    const downsampler = new HalfBandDownsampler();
    const output = new Int16Array(input.length / 2);
    for (let at = 0; at < input.length; at += frame) {
      const packet = input.subarray(at, at + frame);
      const written = downsampler.process(packet, packet.length, output.subarray(at / 2));
      expect(written).toBe(packet.length / 2);
    }
    return output;
  }

  test('tones of the telephone band keep 70 dB, 47 samples late', () => {
    for (let hz = 50; hz <= 3500; hz += 69) {
      const ideal = (at: number): number =>
        AMPLITUDE * Math.sin((2 * Math.PI * hz * (2 * at - 47)) / 16_000 + 1);
      expect(snrDb(halve(tone(hz, 16_000, 3200)), ideal), `${hz} Hz`).toBeGreaterThan(70);
    }
  });

  test('nothing above the band comes through', () => {
    for (let hz = 4520; hz < 8000; hz += 160) {
      expect(powerDb(halve(tone(hz, 16_000, 3200))), `${hz} Hz`).toBeLessThan(-70);
    }
  });

  test('the output does not depend on the length of packets', () => {
    const input = tone(700, 16_000, 9600);
    expect(halve(input, 160)).toEqual(halve(input, 960));
  });
});
