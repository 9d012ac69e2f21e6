import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { g711Samples } from '../g711/g711.ts';
import { music, PIECES } from './testing/music.ts';
import { clicks, comfortNoise, hum, noise } from './testing/noises.ts';
import { asHeard, atLevel, dice, joined, seconds, sum, type Signal } from './testing/signal.ts';
import { dtmf, PROGRESS_TONES, progressTone } from './testing/tones.ts';
import { VoiceActivity } from './voice-activity.ts';

const RATE_HZ = 8_000;
const VOICES = [
  'english-man',
  'english-woman',
  'german-man-slow',
  'french-woman',
  'spanish-man-fast',
  'italian-woman',
  'mandarin-woman',
  'hindi-woman',
  'russian-man-slow',
  'scottish-man',
  'american-woman',
  'american-man',
] as const;
const LEAD_SECONDS = 1.3;

describe.each(VOICES)('%s', (voice) => {
  test.each([-6, -20, -36])('is recognised at %i dBFS, from where the speech begins', (level) => {
    const found = listen(joined(seconds(LEAD_SECONDS), atLevel(clip(voice), level)));
    expect(found.recognisedAfter).toBeLessThan(2.5);
    expect(Math.abs(found.beganAt - LEAD_SECONDS)).toBeLessThan(0.15);
  });

  test('is recognised over white noise 10 dB below', () => {
    const speech = joined(seconds(LEAD_SECONDS), atLevel(clip(voice), -20));
    const found = listen(sum(speech, atLevel(noise(dice(1), 4.5, 0), -30)));
    expect(found.recognisedAfter).toBeLessThan(2.5);
    expect(Math.abs(found.beganAt - LEAD_SECONDS)).toBeLessThan(0.35);
  });

  test('is recognised over other people 10 dB below', () => {
    const others = VOICES.filter((other) => other !== voice).slice(0, 8);
    const babble = others.reduce((all, other, index) => {
      const from = index * 2_000;
      const turned = joined(clip(other).slice(from), clip(other).slice(0, from));
      return sum(all, joined(turned, turned));
    }, seconds(0));
    const speech = joined(seconds(LEAD_SECONDS), atLevel(clip(voice), -20));
    const found = listen(sum(speech, atLevel(babble, -30)).slice(0, speech.length));
    expect(found.recognisedAfter).toBeLessThan(3);
  });
});

describe('never taken for speech', () => {
  test.each(PIECES.flatMap((piece) => [1, 2, 3].map((seed) => [piece, seed] as const)))(
    'music: %s, seed %i',
    (piece, seed) => expectNoSpeech(atLevel(music(piece, dice(seed), 25), -12 - 5 * seed)),
  );

  test.each([1, 2, 3, 4])('digits, seed %i', (seed) =>
    expectNoSpeech(atLevel(dtmf(dice(seed), 25), -8 * seed)),
  );

  test.each(Array.from({ length: PROGRESS_TONES }, (_, which) => which))(
    'call progress tone %i',
    (which) => expectNoSpeech(atLevel(progressTone(which, 20), -20)),
  );

  test.each([1, 2, 3, 4])('comfort noise with steps of level and colour, seed %i', (seed) =>
    expectNoSpeech(comfortNoise(dice(seed), 40)),
  );

  test.each([-0.5, 0, 0.5, 0.95])('loud noise of colour %d', (colour) =>
    expectNoSpeech(atLevel(noise(dice(7), 30, colour), -15)),
  );

  test.each([
    [50, false],
    [60, false],
    [50, true],
    [60, true],
  ] as const)('hum of %i Hz (buzzing: %s), alone and with noise', (mainsHz, isBuzz) => {
    const signal = atLevel(hum(dice(3), 30, mainsHz, isBuzz), -25);
    expectNoSpeech(signal);
    expectNoSpeech(sum(signal, atLevel(noise(dice(4), 30, 0.5), -35)));
  });

  test('clicks and pops, alone and over comfort noise', () => {
    expectNoSpeech(clicks(dice(5), 40));
    expectNoSpeech(sum(clicks(dice(6), 40), comfortNoise(dice(6), 40)));
  });

  test('digital silence', () => expectNoSpeech(seconds(60)));
});

test('speech behind music, digits and noise is the first speech', () => {
  const before = joined(
    atLevel(music('piano', dice(11), 8), -20),
    atLevel(dtmf(dice(12), 4), -15),
    atLevel(noise(dice(13), 3, 0.5), -45),
  );
  const found = listen(joined(before, atLevel(clip('american-woman'), -18)));
  expect(found.beganAt).toBeGreaterThan(14.7);
  expect(found.beganAt).toBeLessThan(15.2);
});

test('the answer does not depend on how the samples are divided over calls', () => {
  const speech = sum(
    joined(seconds(0.7), atLevel(clip('french-woman'), -20)),
    atLevel(noise(dice(20), 3.5, 0.3), -34),
  );
  const samples = asHeard(speech);
  const whole = new VoiceActivity();
  whole.process(samples, 0, samples.length);
  expect(whole.firstSpeechAt).toBeDefined();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_500 })), (steps) => {
      const parts = new VoiceActivity();
      let from = 0;
      for (const step of [...steps, samples.length]) {
        const to = Math.min(samples.length, from + step);
        parts.process(samples, from, to);
        from = to;
      }
      expect(parts.firstSpeechAt).toBe(whole.firstSpeechAt);
    }),
  );
});

/** In seconds; `recognisedAfter` counts from the beginning, both are `NaN` if nothing was heard. */
function listen(signal: Signal): { beganAt: number; recognisedAfter: number } {
  const samples = asHeard(signal);
  const activity = new VoiceActivity();
  let at = 0;
  while (at < samples.length && activity.firstSpeechAt === undefined) {
    activity.process(samples, at, Math.min(samples.length, at + 160));
    at += 160;
  }
  const began = activity.firstSpeechAt ?? NaN;
  return { beganAt: began / RATE_HZ, recognisedAfter: (at - began) / RATE_HZ };
}

function expectNoSpeech(signal: Signal): void {
  const samples = asHeard(signal);
  const activity = new VoiceActivity();
  activity.process(samples, 0, samples.length);
  expect(activity.firstSpeechAt).toBeUndefined();
}

function clip(voice: (typeof VOICES)[number]): Signal {
  const url = new URL(`../../../test/fixtures/voice/${voice}.ulaw`, import.meta.url);
  const table = g711Samples('PCMU');
  return Float64Array.from(readFileSync(url), (code) => (table[code] ?? 0) / 32_768);
}
