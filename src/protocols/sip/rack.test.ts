import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRAck, parseRAck, parseRSeq } from './rack.ts';

test('for all numbers, what is written is what is read', () => {
  const rack = fc.record({
    rseq: fc.integer({ min: 1, max: 0xffff_ffff }),
    cseqNumber: fc.integer({ min: 0, max: 0x7fff_ffff }),
    method: fc.constantFrom('INVITE', 'invite', 'X-1'),
  });
  fc.assert(
    fc.property(rack, (value) => {
      expect(parseRAck(formatRAck(value))).toEqual(value);
    }),
  );
});

test.each([
  '',
  '1',
  '1 2',
  '0 1 INVITE',
  '4294967296 1 INVITE',
  '1 2147483648 INVITE',
  '1 1 IN VITE',
  '-1 1 INVITE',
])('%j is no RAck', (text) => {
  expect(parseRAck(text)).toBeUndefined();
});

test('for all texts, nothing throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const rseq = parseRSeq(text) ?? parseRAck(text)?.rseq ?? 1;
      expect(rseq).toBeGreaterThanOrEqual(1);
    }),
  );
});
