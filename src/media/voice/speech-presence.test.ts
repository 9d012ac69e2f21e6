import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { g711Samples } from '../g711/g711.ts';
import { SpeechPresence } from './speech-presence.ts';
import { hum, noise } from './testing/noises.ts';
import { asHeard, atLevel, dice, joined, seconds, sum, type Signal } from './testing/signal.ts';

const RATE_HZ = 8_000;
const PACKET = 160;

/** Changes of a signal that comes in packets: seconds at which they are said to have been. */
function changesOf(
  signal: Signal,
): readonly { readonly isSpeaking: boolean; readonly at: number; readonly toldAt: number }[] {
  const samples = Int16Array.from(asHeard(signal));
  const presence = new SpeechPresence(RATE_HZ);
  const changes = [];
  for (let end = PACKET; end <= samples.length; end += PACKET) {
    if (!presence.process(samples.subarray(end - PACKET, end), PACKET)) continue;
    changes.push({
      isSpeaking: presence.isSpeaking,
      at: end / RATE_HZ - presence.changedFramesAgo / 50,
      toldAt: end / RATE_HZ,
    });
  }
  return changes;
}

function clip(voice: string): Signal {
  const codes = readFileSync(`test/fixtures/voice/${voice}.ulaw`);
  const table = g711Samples('PCMU');
  return Float64Array.from(codes, (code) => (table[code] ?? 0) / 32_768);
}

function tone(lengthSeconds: number): Signal {
  return seconds(lengthSeconds).map((_, at) => 0.3 * Math.sin((2 * Math.PI * 700 * at) / RATE_HZ));
}

/** A loud one every 300 ms, gone after 30. */
function knocks(lengthSeconds: number): Signal {
  return seconds(lengthSeconds).map((_, at) => {
    const after = at % (0.3 * RATE_HZ);
    return 0.9 * Math.cos(after) * Math.exp(-after / 30);
  });
}

describe.each(['english-man', 'french-woman', 'mandarin-woman', 'spanish-man-fast'])(
  '%s',
  (voice) => {
    test.each([-12, -20, -34])('is heard at %i dBFS over the noise of a line', (level) => {
      const speech = joined(seconds(1), atLevel(clip(voice), level), seconds(1));
      const changes = changesOf(sum(speech, atLevel(noise(dice(7), 6, 0.5), -60)));
      const [first] = changes;
      expect(first?.isSpeaking).toBe(true);
      expect(first?.at).toBeGreaterThan(0.98);
      expect(first?.at).toBeLessThan(1.4);
      expect(changes.at(-1)?.isSpeaking).toBe(false);
      // A pause for breath at most: nobody is cut off who speaks on.
      for (let at = 1; at + 1 < changes.length; at += 2) {
        expect((changes[at + 1]?.at ?? 0) - (changes[at]?.at ?? 0)).toBeLessThan(0.8);
      }
    });

    test('is heard on a street, and its end too', () => {
      const speech = joined(seconds(2), atLevel(clip(voice), -18), seconds(1));
      const changes = changesOf(sum(speech, atLevel(noise(dice(3), 7, 0.8), -40)));
      expect(changes[0]?.at).toBeGreaterThan(1.9);
      expect(changes.at(-1)?.isSpeaking).toBe(false);
    });
  },
);

test('begins and ends to the frame, and is told of at once', () => {
  const [begun, ended] = changesOf(joined(seconds(0.9), tone(0.5), seconds(1)));
  expect(begun).toMatchObject({ isSpeaking: true, at: expect.closeTo(0.9, 5) as number });
  expect(ended).toMatchObject({ isSpeaking: false, at: expect.closeTo(1.4, 5) as number });
  expect(begun?.toldAt).toBeLessThanOrEqual(1.0);
  expect(ended?.toldAt).toBeLessThanOrEqual(1.7);
});

test('a word that follows a stop within a word belongs to it', () => {
  const changes = changesOf(joined(seconds(1), tone(0.2), seconds(0.28), tone(0.2), seconds(1)));
  expect(changes.map(({ isSpeaking }) => isSpeaking)).toEqual([true, false]);
});

test.each<readonly [string, Signal]>([
  ['silence', seconds(5)],
  ['the noise of a line', atLevel(noise(dice(1), 8, 0.3), -45)],
  ['loud noise that was there before', joined(seconds(0), atLevel(noise(dice(2), 8, 0), -41))],
  ['hum', atLevel(hum(dice(5), 6, 50, true), -50)],
  ['a knock now and then', knocks(6)],
])('%s is no speech', (_name, signal) => {
  expect(changesOf(signal)).toEqual([]);
});

test('speech that breaks off is over, and is known to have broken off until there is more', () => {
  const presence = new SpeechPresence(RATE_HZ);
  const loud = Int16Array.from(tone(0.2), (value) => value * 32_767);
  presence.process(loud, loud.length);
  expect(presence.isSpeaking).toBe(true);
  expect(presence.missed(10)).toBe(false);
  expect(presence.missed(1_000)).toBe(true);
  expect([presence.isSpeaking, presence.hasBrokenOff]).toEqual([false, true]);
  expect(presence.changedFramesAgo).toBe(1_010);
  presence.process(loud, loud.length);
  const quiet = new Int16Array(RATE_HZ);
  presence.process(quiet, quiet.length);
  expect([presence.isSpeaking, presence.hasBrokenOff]).toEqual([false, false]);
});
