import fc from 'fast-check';
import { expect, test } from 'vitest';
import { portShares } from './port-shares.ts';

test('the shares are whole pairs, do not overlap, and leave no port out', () => {
  const range = fc.record({
    from: fc.integer({ min: 1, max: 60_000 }),
    pairs: fc.integer({ min: 1, max: 500 }),
  });
  fc.assert(
    fc.property(range, fc.integer({ min: 1, max: 64 }), ({ from, pairs }, count) => {
      const to = from + pairs * 2 - 1;
      const shares = portShares({ from, to }, count);
      expect(shares).toHaveLength(Math.min(count, pairs));
      let next = from;
      for (const share of shares) {
        expect(share.from).toBe(next);
        expect((share.to - share.from + 1) % 2).toBe(0);
        expect(share.to).toBeGreaterThan(share.from);
        next = share.to + 1;
      }
      expect(next).toBe(to + 1);
    }),
  );
});
