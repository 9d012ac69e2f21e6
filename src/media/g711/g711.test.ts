import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeG711,
  encodeALaw,
  encodeG711,
  encodeMuLaw,
  g711Samples,
  G711_SILENCE,
} from './g711.ts';

const codecs = ['PCMU', 'PCMA'] as const;
const encoders = { PCMU: encodeMuLaw, PCMA: encodeALaw };

describe.each(codecs)('%s', (codec) => {
  const samples = g711Samples(codec);

  test('no sample is further from its code than half a step', () => {
    const levels = [...new Set(samples)].sort((a, b) => a - b);
    const stepAt = new Map(
      levels.map((level, at) => {
        const gaps = [level - (levels[at - 1] ?? level), (levels[at + 1] ?? level) - level];
        return [level, Math.max(...gaps)];
      }),
    );
    const worst = Math.max(
      ...Array.from({ length: 64_000 }, (_, at) => {
        const level = samples[encoders[codec](at - 32_000)]!;
        return Math.abs(level - (at - 32_000)) - stepAt.get(level)! / 2;
      }),
    );
    expect(worst).toBeLessThanOrEqual(0);
  });

  test('every code survives decoding and encoding, but for the second zero of µ-law', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const decoded = new Int16Array(256);
    decodeG711(codec, codes, decoded);
    const again = new Uint8Array(256);
    encodeG711(codec, decoded, again);
    if (codec === 'PCMU') codes[0x7f] = 0xff;
    expect(again).toEqual(codes);
  });

  test('a louder sample never gets a quieter code', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32_768, max: 32_766 }), (sample) => {
        const louder = samples[encoders[codec](sample + 1)]!;
        expect(louder).toBeGreaterThanOrEqual(samples[encoders[codec](sample)]!);
      }),
    );
  });

  test('the silent byte is the code of 0', () => {
    expect(encoders[codec](0)).toBe(G711_SILENCE[codec]);
  });
});

test('codes have the values of the tables in G.711', () => {
  const mu = g711Samples('PCMU');
  // Table 2a: 8031, 4063, 0, and their negatives, in units of 4.
  expect([0x80, 0x90, 0xff, 0x7f, 0x00, 0x10].map((code) => mu[code]! / 4)).toEqual([
    8031, 3999, 0, 0, -8031, -3999,
  ]);
  const a = g711Samples('PCMA');
  // Table 1a: 4032, 1, and their negatives, in units of 8; bits are inverted as on the line.
  expect([0xaa, 0xd5, 0x55, 0x2a].map((code) => a[code]! / 8)).toEqual([4032, 1, -1, -4032]);
});
