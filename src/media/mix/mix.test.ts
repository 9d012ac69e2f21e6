import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addCodes, addSamples, clipSum } from './mix.ts';

const clip = (value: number): number => Math.max(-32_768, Math.min(32_767, value));

test('a mix is the clipped sum of its sources, in any order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.int16Array({ minLength: 8, maxLength: 8 }), { maxLength: 6 }),
      (sources) => {
        const sum = new Int32Array(8);
        for (const source of sources) addSamples(sum, 0, source);
        const mixed = new Int16Array(8);
        clipSum(sum, 8, mixed);
        const reversed = new Int32Array(8);
        for (const source of sources.toReversed()) addSamples(reversed, 0, source);
        expect(reversed).toEqual(sum);
        mixed.forEach((sample, at) => {
          expect(sample).toBe(clip(sources.reduce((total, source) => total + source[at]!, 0)));
        });
      },
    ),
  );
});

test('what stands outside of the sum is left out', () => {
  fc.assert(
    fc.property(fc.integer({ min: -9, max: 9 }), (at) => {
      const sum = new Int32Array(4);
      addSamples(sum, at, Int16Array.of(1, 2, 3, 4));
      const expected = [0, 1, 2, 3].map((index) => {
        const from = index - at;
        return from >= 0 && from < 4 ? from + 1 : 0;
      });
      expect([...sum]).toEqual(expected);
    }),
  );
});

test('codes are added as the samples of their table', () => {
  const table = Int16Array.from({ length: 256 }, (_, code) => code * 10);
  const sum = Int32Array.of(1, 1, 1, 1);
  addCodes(sum, 1, table, Uint8Array.of(9, 5, 6, 9), 1, 3);
  expect([...sum]).toEqual([1, 51, 61, 1]);
});
