import { beforeAll, expect, test } from 'vitest';
import { VoiceActivity } from '../../src/media/voice/voice-activity.ts';
import {
  findClimbs,
  heardOfBob,
  missingMs,
  ROUND_MS,
  voiceOfAlice,
  voiceOfBob,
} from './staircase.ts';

const RATE_HZ = 8_000;

let alice: Int16Array;
let bob: Int16Array;
beforeAll(async () => {
  alice = await voiceOfAlice();
  bob = await voiceOfBob();
});

type Stretch = { readonly fromMs: number; readonly toMs: number };

/** What a mixed file holds that has these stretches of the round. */
function fileOf(stretches: readonly Stretch[]): Int16Array {
  const samples = stretches.flatMap(({ fromMs, toMs }) =>
    Array.from({ length: ((toMs - fromMs) * RATE_HZ) / 1000 }, (_, at) => {
      const place = ((fromMs * RATE_HZ) / 1000 + at) % alice.length;
      return alice[place]! + bob[place]!;
    }),
  );
  return Int16Array.from(samples);
}

test.each([0, 230, 1_770, 3_450, 6_100, 9_040, ROUND_MS - 420])(
  'an unbroken file is one climb, at the moment %i of the round, with bob in it',
  (fromMs) => {
    const file = fileOf([{ fromMs, toMs: fromMs + 1_500 }]);
    const [climb, ...others] = findClimbs(file, RATE_HZ);
    expect(others).toEqual([]);
    expect(climb!.endMs - climb!.startMs).toBeGreaterThan(1_400);
    expect(climb!.heardMs).toBeGreaterThan(1_300);
    expect(Math.abs(climb!.saidAtMs - climb!.startMs - fromMs)).toBeLessThanOrEqual(1);
    expect(heardOfBob(file, RATE_HZ)).toBeGreaterThan(0.9);
  },
);

test.each([100, 140, 480, 1_730])('%i ms that are not in the file are found missing', (cutMs) => {
  const file = fileOf([
    { fromMs: 130, toMs: 900 },
    { fromMs: 900 + cutMs, toMs: 1_700 + cutMs },
  ]);
  const climbs = findClimbs(file, RATE_HZ);
  expect(climbs).toHaveLength(2);
  const missing = missingMs(climbs[0]!, climbs[1]!);
  expect(Math.abs(missing - cutMs)).toBeLessThanOrEqual(1);
});

test('80 ms of the pause in the middle of the cut are not passed over', () => {
  const file = fileOf([
    { fromMs: 100, toMs: 900 },
    { fromMs: 1_200, toMs: 1_280 },
    { fromMs: 1_900, toMs: 2_600 },
  ]);
  expect(findClimbs(file, RATE_HZ).length).toBeGreaterThan(2);
});

test('alice is not heard where bob is, nor bob where alice is, nor either in silence', () => {
  expect(findClimbs(bob, RATE_HZ)).toEqual([]);
  expect(heardOfBob(alice, RATE_HZ)).toBeLessThan(0.1);
  const silence = new Int16Array(RATE_HZ);
  expect(findClimbs(silence, RATE_HZ)).toEqual([]);
  expect(heardOfBob(silence, RATE_HZ)).toBe(0);
});

test('from any moment on, the speech of both is recognised within 1.5 s', () => {
  for (const voice of [alice, bob]) {
    for (let from = 0; from < voice.length; from += 777) {
      const listener = new VoiceActivity();
      const heard = Int32Array.from(
        { length: 1.5 * RATE_HZ },
        (_, at) => voice[(from + at) % voice.length]!,
      );
      listener.process(heard, 0, heard.length);
      expect(listener.firstSpeechAt, `from ${from}`).toBeDefined();
    }
  }
});
