import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRange } from './range.ts';

test.each([
  [undefined, 'full'],
  ['bytes=undefined', 'full'],
  ['bytes=None', 'full'],
  ['bytes=', 'full'],
  ['bytes=-', 'full'],
  ['bytes=9-5', 'full'],
  ['bytes=0-1,3-4', 'full'],
  ['items=0-1', 'full'],
  ['bytes=0', [0, 9]],
  ['bytes=5', [5, 9]],
  ['bytes=5-', [5, 9]],
  ['bytes=5-7', [5, 7]],
  ['bytes=5-5', [5, 5]],
  ['bytes=0-268435455', [0, 9]],
  ['bytes=-3', [7, 9]],
  ['bytes=-30', [0, 9]],
  ['bytes=9-', [9, 9]],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=10', 'unsatisfiable'],
  ['bytes=99999999999999999999999-', 'unsatisfiable'],
])('of 10 bytes, %s asks for %s', (header, expected) => {
  const range = parseRange(header, 10);
  expect(range.kind === 'part' ? [range.start, range.end] : range.kind).toEqual(expected);
});

test('nothing of an empty file can be asked for but all of it', () => {
  expect(parseRange(undefined, 0).kind).toBe('full');
  expect(parseRange('bytes=undefined', 0).kind).toBe('full');
  for (const header of ['bytes=0-', 'bytes=0-268435455', 'bytes=-5']) {
    expect(parseRange(header, 0).kind).toBe('unsatisfiable');
  }
});

test('a part always lies within the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(50), fc.nat(50), fc.nat(30), (noise, start, end, size) => {
      for (const header of [noise, `bytes=${start}-${end}`, `bytes=${start}`, `bytes=-${end}`]) {
        const range = parseRange(header, size);
        if (range.kind !== 'part') continue;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }
    }),
  );
});
