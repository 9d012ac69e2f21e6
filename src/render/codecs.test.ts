import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import { sine } from '../media/tone/sine.ts';
import {
  encodedTalk,
  rateOf,
  TEST_FORMATS,
  type EncodedTalk,
  type TestFormat,
} from './testing/encoded-talk.ts';
import type { PlannedStream } from './testing/journal-generator.ts';
import { seeded } from './testing/packets.ts';
import { jobWith, render, UNMIXED_JOB } from './testing/render-setup.ts';
import { heardTones, type ToneTimes } from './testing/spoken.ts';

const LENGTH_MS = 6000;
const AMPLITUDE = 8000;
const ALL = Object.keys(TEST_FORMATS) as TestFormat[];

function stream(
  participantId: string,
  format: TestFormat,
  samples: Int16Array,
  more: Partial<EncodedTalk> = {},
): PlannedStream {
  const plan = { ssrc: 7 + participantId.length, startUs: 0, format, ...more };
  return { participantId, format: TEST_FORMATS[format], packets: encodedTalk(plan, samples) };
}

function toneSamples(rateHz: number, frequencyHz: number, tonesMs: ToneTimes): Int16Array {
  const samples = new Int16Array((LENGTH_MS * rateHz) / 1000);
  for (const [fromMs, toMs] of tonesMs) {
    const tone = sine(
      { frequencyHz, amplitude: AMPLITUDE },
      rateHz,
      ((toMs - fromMs) * rateHz) / 1000,
    );
    samples.set(tone, (fromMs * rateHz) / 1000);
  }
  return samples;
}

/** Noise without what only some of the codecs carry, the same for every rate. */
function commonNoise(rateHz: number): Int16Array {
  const random = seeded(11);
  const partials = Array.from({ length: 60 }, () => [300 + 2700 * random(), random()] as const);
  return Int16Array.from({ length: (LENGTH_MS * rateHz) / 1000 }, (_, at) => {
    const t = at / rateHz;
    return partials.reduce((sum, [hz, phase]) => {
      return sum + 900 * Math.sin(2 * Math.PI * (hz * t + phase));
    }, 0);
  });
}

/** Signal to noise between 1 and 5 seconds, after the best gain: a codec may be a little louder. */
function snrDb(samples: Int16Array, ideal: Int16Array): number {
  let both = 0;
  let own = 0;
  let power = 0;
  for (let at = 16_000; at < 80_000; at += 1) {
    both += samples[at]! * ideal[at]!;
    own += ideal[at]! ** 2;
    power += samples[at]! ** 2;
  }
  const signal = (both * both) / own;
  return 10 * Math.log10(signal / (power - signal));
}

/** By how many samples `samples` is behind `ideal`, by parts of a sample. */
function lagOf(samples: Int16Array, ideal: Int16Array): number {
  const likeness = (lag: number): number => {
    let sum = 0;
    for (let at = 16_000; at < 80_000; at += 1) sum += samples[at + lag]! * ideal[at]!;
    return sum;
  };
  const lags = Array.from({ length: 61 }, (_, index) => index - 30);
  const best = lags.reduce((a, b) => (likeness(b) > likeness(a) ? b : a));
  const [before, at, after] = [likeness(best - 1), likeness(best), likeness(best + 1)];
  return best + (0.5 * (before - after)) / (before - 2 * at + after);
}

describe('a recording of one codec', () => {
  // What each gives for a tone of this level.
  test.each([
    ['PCMU', 36],
    ['PCMA', 36],
    ['G722', 40],
    ['opus', 15],
    ['L16', 80],
    ['L16-8', 78],
  ] as const)(
    'of %s has each tone at its time and level, with %i dB to the noise',
    async (format, db) => {
      const tones: ToneTimes = [
        [500, 1500],
        [2500, 3000],
      ];
      const samples = toneSamples(rateOf(format), 1000, tones);
      const { samples: heard } = await render({
        streams: [stream('a', format, samples)],
        endUs: LENGTH_MS * 1000,
      });
      const { spans, worstDb } = heardTones(heard, { frequencyHz: 1000, amplitude: AMPLITUDE });
      expect(spans).toHaveLength(tones.length);
      expect(worstDb).toBeLessThan(1);
      spans.forEach(({ startMs, endMs }, at) => {
        expect(Math.abs(startMs - tones[at]![0])).toBeLessThan(5);
        expect(Math.abs(endMs - tones[at]![1])).toBeLessThan(5);
      });
      const steady = await render({
        streams: [stream('a', format, toneSamples(rateOf(format), 1000, [[0, LENGTH_MS]]))],
        endUs: LENGTH_MS * 1000,
      });
      const ideal = toneSamples(16_000, 1000, [[0, LENGTH_MS]]);
      expect(snrDb(steady.samples, ideal)).toBeGreaterThan(db);
    },
  );

  test.each(['G722', 'opus', 'L16'] as const)(
    'of %s has what no telephone carries',
    async (format) => {
      const samples = toneSamples(16_000, 6000, [[1000, 3000]]);
      const { samples: heard } = await render({
        streams: [stream('a', format, samples)],
        endUs: LENGTH_MS * 1000,
      });
      const { spans, worstDb } = heardTones(heard, { frequencyHz: 6000, amplitude: AMPLITUDE });
      expect(spans).toHaveLength(1);
      expect(worstDb).toBeLessThan(1.5);
    },
  );

  test.each([10, 40, 60])('has Opus packets of %i ms in their places', async (packetMs) => {
    const samples = toneSamples(16_000, 700, [[1000, 3000]]);
    const packets = stream('a', 'opus', samples, { packetMs });
    const { samples: heard } = await render({ streams: [packets], endUs: LENGTH_MS * 1000 });
    const { spans } = heardTones(heard, { frequencyHz: 700, amplitude: AMPLITUDE });
    expect(spans).toHaveLength(1);
    expect(Math.abs(spans[0]!.startMs - 1000)).toBeLessThan(5);
    expect(Math.abs(spans[0]!.endMs - 3000)).toBeLessThan(5);
  });

  test('does not know what is of a codec that it does not know', async () => {
    const format = { codec: 'L16', payloadType: 96, clockRateHz: 44_100 } as AudioFormat;
    const known = stream('a', 'L16', toneSamples(16_000, 700, [[1000, 3000]]));
    const { chunk, samples } = await render({
      streams: [{ ...known, format }],
      endUs: LENGTH_MS * 1000,
    });
    expect(chunk.participants).toEqual([{ participantId: 'a' }]);
    expect(samples).toEqual(new Int16Array(LENGTH_MS * 16));
  });
});

describe('a recording of several codecs', () => {
  test('has all of them on one timeline, within a sample', async () => {
    const job = jobWith(
      {
        channels: {
          limit: ALL.length,
          pinned: ALL.map((participantId, channel) => ({ participantId, channel })),
          overflow: 'leave-out',
        },
      },
      UNMIXED_JOB,
    );
    const { channels } = await render(
      {
        streams: ALL.map((format) => stream(format, format, commonNoise(rateOf(format)))),
        endUs: LENGTH_MS * 1000,
      },
      job,
    );
    const ideal = commonNoise(16_000);
    const lags = channels.map((samples) => Math.abs(lagOf(samples, ideal)));
    expect(Math.max(...lags)).toBeLessThan(1);
  });

  test('is clipped once, after all of them were added', async () => {
    const loud = { frequencyHz: 500, amplitude: 25_000 };
    const opposite = (rateHz: number): Int16Array =>
      sine(loud, rateHz, (LENGTH_MS * rateHz) / 1000).map((sample) => -sample);
    const { samples } = await render({
      streams: [
        stream('a', 'L16-8', sine(loud, 8000, LENGTH_MS * 8)),
        stream('bb', 'L16-8', sine(loud, 8000, LENGTH_MS * 8)),
        stream('ccc', 'L16', opposite(16_000)),
      ],
      endUs: LENGTH_MS * 1000,
    });
    expect(snrDb(samples, sine(loud, 16_000, LENGTH_MS * 16))).toBeGreaterThan(70);
  });
});
