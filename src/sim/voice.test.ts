import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findTone, levelDb } from '../media/tone/tone-meter.ts';
import type { PhoneStep } from '../core/simulated-phone.ts';
import { FRAME_SAMPLES, RATE_HZ, samplesOf } from './telephony.ts';
import { Voice, type Frame } from './voice.ts';

function speak(
  steps: readonly PhoneStep[],
  frames: number,
  options: { readonly clips?: ReadonlyMap<string, Int16Array>; readonly loop?: boolean } = {},
): { readonly samples: Int16Array; readonly frames: readonly Frame[] } {
  const voice = new Voice(steps, options.clips ?? new Map(), options.loop ?? false);
  const samples = new Int16Array(frames * FRAME_SAMPLES);
  const all: Frame[] = [];
  for (let index = 0; index < frames; index += 1) {
    all.push(voice.next(samples.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES)));
  }
  return { samples, frames: all };
}

const audioStep = fc.oneof(
  fc.record({ do: fc.constant('silence' as const), durationMs: fc.nat(90) }),
  fc.record({ do: fc.constant('speak' as const), file: fc.constantFrom('a', 'b') }),
);

test('audio steps follow one another at the sample, whatever their lengths', () => {
  fc.assert(
    fc.property(
      fc.array(audioStep, { maxLength: 6 }),
      fc.int16Array({ minLength: 1, maxLength: 400 }),
      fc.int16Array({ maxLength: 400 }),
      (steps, a, b) => {
        const clips = new Map([
          ['a', a],
          ['b', b],
        ]);
        const expected = steps.flatMap((step) =>
          step.do === 'speak'
            ? [...clips.get(step.file)!]
            : Array<number>(samplesOf(step.durationMs)).fill(0),
        );
        const frames = Math.ceil(expected.length / FRAME_SAMPLES) + 2;
        const { samples } = speak(steps, frames, { clips });
        expect([...samples.subarray(0, expected.length)]).toEqual(expected);
        expect(samples.subarray(expected.length).every((sample) => sample === 0)).toBe(true);
      },
    ),
  );
});

test('tones sound at their planned times and levels', () => {
  const { samples } = speak(
    [
      { do: 'waitUntil', atMs: 250 },
      { do: 'tone', frequencyHz: 440, levelDb: -12, durationMs: 300 },
      { do: 'waitUntil', atMs: 1000 },
      { do: 'tone', frequencyHz: 440, levelDb: -12, durationMs: 155 },
    ],
    100,
  );
  const spans = findTone(samples, RATE_HZ, { frequencyHz: 440, threshold: 4000 });
  expect(
    spans.map(({ startMs, endMs }) => [startMs, endMs].map((ms) => Math.round(ms / 5) * 5)),
  ).toEqual([
    [250, 550],
    [1000, 1155],
  ]);
  for (const span of spans) expect(levelDb(span.amplitude)).toBeCloseTo(-12, 1);
});

test('a loop begins again without a gap', () => {
  const clips = new Map([['a', Int16Array.of(1, 2, 3)]]);
  const { samples } = speak([{ do: 'speak', file: 'a' }], 2, { clips, loop: true });
  expect(samples.every((sample, index) => sample === (index % 3) + 1)).toBe(true);
});

test('a loop of steps that take no time is silence, not an endless loop', () => {
  const steps: readonly PhoneStep[] = [
    { do: 'silence', durationMs: 0 },
    { do: 'waitUntil', atMs: 0 },
    { do: 'digits', digits: '', durationMs: 20 },
  ];
  expect(speak(steps, 3, { loop: true }).frames.every((frame) => frame.kind === 'audio')).toBe(
    true,
  );
  expect(speak([], 3, { loop: true }).frames).toHaveLength(3);
});

describe('digits', () => {
  test('are events of the given length with as much silence behind each', () => {
    const { frames } = speak([{ do: 'digits', digits: '5#', durationMs: 40 }], 10);
    expect(frames.map((frame) => (frame.kind === 'event' ? frame : frame.kind))).toEqual([
      { kind: 'event', event: 5, elapsedFrames: 1, last: false },
      { kind: 'event', event: 5, elapsedFrames: 2, last: true },
      'audio',
      'audio',
      { kind: 'event', event: 11, elapsedFrames: 1, last: false },
      { kind: 'event', event: 11, elapsedFrames: 2, last: true },
      'audio',
      'audio',
      'audio',
      'audio',
    ]);
  });

  test('begin with the frame after the audio before them', () => {
    const { frames } = speak(
      [
        { do: 'silence', durationMs: 30 },
        { do: 'digits', digits: '1', durationMs: 20 },
      ],
      4,
    );
    expect(frames.map((frame) => frame.kind)).toEqual(['audio', 'audio', 'event', 'audio']);
  });
});

test('the script can hang up, after what it says before', () => {
  const steps: readonly PhoneStep[] = [{ do: 'silence', durationMs: 40 }, { do: 'hangUp' }];
  expect(speak(steps, 3).frames.map((frame) => frame.kind)).toEqual(['audio', 'audio', 'hangUp']);
});
