import { describe, expect, test } from 'vitest';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { firstRun } from '../support/load/numbered-audio.ts';
import { numberedPacket } from '../support/load/payloads.ts';

const PACKET = 320;

/** Packets in 16 kHz audio, each sample twice, behind `silence` samples; `undefined` is a gap. */
function audio(silence: number, numbers: readonly (number | undefined)[]): Int16Array {
  const samples = new Int16Array(silence + numbers.length * PACKET);
  const decoded = new Int16Array(PACKET / 2);
  for (const [index, number] of numbers.entries()) {
    if (number === undefined) continue;
    decodeG711('PCMU', numberedPacket(number), decoded);
    for (let at = 0; at < PACKET; at += 1) {
      samples[silence + index * PACKET + at] = decoded[at >> 1] ?? 0;
    }
  }
  return samples;
}

const count = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('numbers in audio', () => {
  test.each([0, 1, 7, 333])('a run is found behind %i samples of silence', (silence) => {
    const run = firstRun(audio(silence, count(1, 40)), 50);
    expect(run).toMatchObject({ firstNumber: 1, lastNumber: 40 });
    expect(Math.abs((run?.firstSample ?? 0) - silence)).toBeLessThan(8);
  });

  test('a run ends before a hole, whatever follows', () => {
    const run = firstRun(audio(50, [...count(100, 119), undefined, ...count(121, 140)]), 200);
    expect(run).toMatchObject({ firstNumber: 100, lastNumber: 119 });
  });

  test('a run ends where a packet repeats or one is skipped', () => {
    expect(firstRun(audio(0, [...count(5, 9), 9, 10]), 50)).toMatchObject({ lastNumber: 9 });
    expect(firstRun(audio(0, [...count(5, 9), 11, 12]), 50)).toMatchObject({ lastNumber: 9 });
  });

  test('a packet that is cut off does not count', () => {
    const whole = audio(10, count(1, 10));
    expect(firstRun(whole.subarray(0, whole.length - 60), 50)).toMatchObject({ lastNumber: 9 });
  });

  test('silence has no run', () => {
    expect(firstRun(new Int16Array(16_000), 50)).toBeUndefined();
  });
});
