import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OncePerPress } from './once-per-press.ts';
import type { Tone } from './tone.ts';

function next<T>(values: Iterator<T, unknown>): T {
  const { done, value } = values.next();
  if (done === true) throw new Error('the stream has ended');
  return value;
}

test('one way alone: every press counts, however fast', () => {
  const presses = new OncePerPress();
  for (let n = 0; n < 100; n += 1) expect(presses.isNew('rtp', '5', n * 50)).toBe(true);
});

test('keys that come both ways count once, whichever way is faster', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<Tone>('1', '2', '#'), { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 1500 })),
      (keys, delays) => {
        const told = keys.flatMap((tone, at) => [
          { way: 'rtp' as const, tone, atMs: at * 150, number: at },
          { way: 'info' as const, tone, atMs: at * 150 + next(delays), number: at },
        ]);
        // Signalling keeps its order even if it is delayed.
        let latest = 0;
        for (const each of told.filter(({ way }) => way === 'info')) {
          each.atMs = latest = Math.max(latest, each.atMs);
        }
        const presses = new OncePerPress();
        const counted = told
          .toSorted((a, b) => a.atMs - b.atMs)
          .filter(({ way, tone, atMs }) => presses.isNew(way, tone, atMs));
        expect(counted.map(({ tone }) => tone).toSorted()).toEqual(keys.toSorted());
      },
    ),
  );
});

test('a second press of the key after two seconds is another one', () => {
  const presses = new OncePerPress();
  expect(presses.isNew('rtp', '5', 0)).toBe(true);
  expect(presses.isNew('info', '5', 2001)).toBe(true);
});
