import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WaveformPeaks } from './waveform-peaks.ts';

type Outline = {
  readonly version: number;
  readonly channels: number;
  readonly sample_rate: number;
  readonly samples_per_pixel: number;
  readonly bits: number;
  readonly length: number;
  readonly data: readonly number[];
};

function outlineOf(channels: number, samples: Int16Array, cuts: readonly number[] = []): Outline {
  const peaks = new WaveformPeaks(channels, 16_000);
  let at = 0;
  for (const frames of [...cuts, Infinity]) {
    const to = Math.min(samples.length, at + frames * channels);
    peaks.process(samples, at, to);
    at = to;
  }
  return JSON.parse(peaks.toJson()) as Outline;
}

/** Straight from the definition. */
function expectedData(channels: number, samples: Int16Array, perPixel: number): number[] {
  const data: number[] = [];
  for (let from = 0; from < samples.length; from += perPixel * channels) {
    const pixel = samples.subarray(from, from + perPixel * channels);
    for (let channel = 0; channel < channels; channel += 1) {
      const own = pixel.filter((_, at) => at % channels === channel);
      data.push(Math.trunc(own.reduce((a, b) => Math.min(a, b)) / 256) + 0);
      data.push(Math.trunc(own.reduce((a, b) => Math.max(a, b)) / 256) + 0);
    }
  }
  return data;
}

test('are the lowest and highest samples of each stretch, channel by channel', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.int16Array({ minLength: 5, maxLength: 4000 }),
      fc.array(fc.nat({ max: 700 }), { maxLength: 5 }),
      (channels, all, cuts) => {
        const samples = all.subarray(0, all.length - (all.length % channels));
        const outline = outlineOf(channels, samples, cuts);
        expect(outline).toEqual({
          version: 2,
          channels,
          sample_rate: 16_000,
          samples_per_pixel: 256,
          bits: 8,
          length: Math.ceil(samples.length / channels / 256),
          data: expectedData(channels, samples, 256),
        });
      },
    ),
  );
});

test('stay few however long the recording is, and right', () => {
  const samples = Int16Array.from({ length: 9_000_000 }, (_, at) => (at * 7919) % 30_011);
  const outline = outlineOf(2, samples, [1_000_000, 77]);
  expect(outline.samples_per_pixel).toBe(2048);
  expect(outline.length).toBe(Math.ceil(4_500_000 / 2048));
  expect(outline.data).toEqual(expectedData(2, samples, 2048));
});

test('of nothing are none', () => {
  expect(outlineOf(1, new Int16Array(0))).toMatchObject({ length: 0, data: [] });
});
