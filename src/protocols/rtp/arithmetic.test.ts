import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addSequence, addTimestamp, sequenceDistance, timestampDistance } from './arithmetic.ts';

test('a sequence number moved by some steps is that many steps away, across the wrap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: -0x8000, max: 0x7fff }),
      (from, steps) => {
        const to = addSequence(from, steps);
        expect(to).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(0xffff);
        expect(sequenceDistance(from, to)).toBe(steps);
      },
    ),
  );
});

test('a timestamp moved by some ticks is that many ticks away, across the wrap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      (from, ticks) => {
        const to = addTimestamp(from, ticks);
        expect(to).toBeGreaterThanOrEqual(0);
        expect(timestampDistance(from, to)).toBe(ticks);
      },
    ),
  );
});

test('days of ticks only wrap', () => {
  expect(addTimestamp(5, 8000 * 86_400 * 30)).toBe((5 + 8000 * 86_400 * 30) % 2 ** 32);
});
