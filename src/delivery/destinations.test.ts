import { expect, test } from 'vitest';
import { Destinations } from './destinations.ts';

const LIMITS = {
  parallel: 4,
  parallelPerDestination: 2,
  parallelPerQuickDestination: 2,
  waitingPerDestination: 3,
  waitingPerQuickDestination: 3,
};

test('so many go at once to one destination, so many wait, the rest come later', () => {
  const destinations = new Destinations<number>(LIMITS);
  const admissions = [1, 2, 3, 4, 5, 6].map((item) => destinations.admit('a', item));
  expect(admissions).toEqual(['go', 'go', 'wait', 'wait', 'wait', 'later']);
});

test('those that wait go in their order as others end', () => {
  const destinations = new Destinations<number>(LIMITS);
  for (const item of [1, 2, 3, 4]) destinations.admit('a', item);
  expect(destinations.next()).toBeUndefined();
  destinations.finished('a', true, 10);
  expect(destinations.next()).toEqual({ key: 'a', item: 3 });
  expect(destinations.next()).toBeUndefined();
  destinations.finished('a', true, 10);
  expect(destinations.next()).toEqual({ key: 'a', item: 4 });
});

test('a newcomer does not overtake those that wait', () => {
  const destinations = new Destinations<number>(LIMITS);
  for (const item of [1, 2, 3]) destinations.admit('a', item);
  destinations.finished('a', true, 10);
  expect(destinations.admit('a', 4)).toBe('wait');
  expect(destinations.next()).toEqual({ key: 'a', item: 3 });
});

test('all destinations together have a limit', () => {
  const destinations = new Destinations<number>(LIMITS);
  for (const key of ['a', 'b', 'c', 'd']) expect(destinations.admit(key, 1)).toBe('go');
  expect(destinations.admit('e', 1)).toBe('wait');
  expect(destinations.underWay).toBe(4);
  destinations.finished('a', true, 10);
  expect(destinations.next()).toEqual({ key: 'e', item: 1 });
});

test('a destination that did not answer gets one at a time until it answers', () => {
  const destinations = new Destinations<number>(LIMITS);
  destinations.admit('a', 1);
  destinations.finished('a', false, 10);
  expect(destinations.admit('a', 2)).toBe('go');
  expect(destinations.admit('a', 3)).toBe('wait');
  destinations.finished('a', true, 10);
  expect(destinations.next()).toEqual({ key: 'a', item: 3 });
  expect(destinations.admit('a', 4)).toBe('go');
});

test('what waits can be taken back', () => {
  const destinations = new Destinations<number>(LIMITS);
  for (const item of [1, 2, 3, 4]) destinations.admit('a', item);
  expect(destinations.drain()).toEqual([3, 4]);
  destinations.finished('a', true, 10);
  expect(destinations.next()).toBeUndefined();
});

test('what goes back comes again when its turn is, by the pace of the destination', () => {
  const destinations = new Destinations<number>(LIMITS);
  for (const item of [0, 1]) destinations.admit('a', item);
  destinations.finished('a', true, 100);
  for (const item of [2, 3, 4, 5]) expect(destinations.admit('a', item)).not.toBe('later');
  // Three wait, and one goes every 50 ms; then those that were sent back.
  expect([6, 7, 8].map(() => destinations.laterMs('a', 1_000))).toEqual([200, 250, 300]);
  expect(destinations.laterMs('a', 1_100)).toBe(250);
  expect(destinations.laterMs('a', 5_000)).toBe(200);
});

test('the pace follows the answers', () => {
  const destinations = new Destinations<number>(LIMITS);
  destinations.admit('a', 0);
  for (const tookMs of [100, 100, 500]) {
    destinations.admit('a', 0);
    destinations.finished('a', true, tookMs);
  }
  expect(destinations.laterMs('a', 0)).toBe(100);
});

test('nothing that goes back comes again too soon, or too late', () => {
  const destinations = new Destinations<number>(LIMITS);
  destinations.admit('a', 0);
  destinations.admit('a', 0);
  destinations.finished('a', true, 1);
  expect(destinations.laterMs('a', 0)).toBe(20);
  destinations.admit('b', 0);
  destinations.admit('b', 0);
  destinations.finished('b', true, 8_000);
  expect([1, 2, 3].map(() => destinations.laterMs('b', 0))).toEqual([4_000, 5_000, 5_000]);
});

test('more go at once to a destination that answers quickly, until it does so no more', () => {
  const destinations = new Destinations<number>({ ...LIMITS, parallelPerQuickDestination: 3 });
  for (const item of [1, 2, 3, 4, 5]) destinations.admit('a', item);
  destinations.finished('a', true, 1_000);
  expect([destinations.next(), destinations.next(), destinations.next()]).toEqual([
    { key: 'a', item: 3 },
    { key: 'a', item: 4 },
    undefined,
  ]);
  destinations.finished('a', true, 2_000);
  expect(destinations.next()).toBeUndefined();
  destinations.finished('a', true, 2_000);
  expect(destinations.next()).toEqual({ key: 'a', item: 5 });
});

test('more wait for a destination that answers quickly', () => {
  const destinations = new Destinations<number>({ ...LIMITS, waitingPerQuickDestination: 4 });
  for (const item of [1, 2, 3, 4, 5]) destinations.admit('a', item);
  expect(destinations.admit('a', 6)).toBe('later');
  destinations.finished('a', true, 10);
  expect([6, 7].map((item) => destinations.admit('a', item))).toEqual(['wait', 'later']);
  destinations.next();
  destinations.finished('a', false, 10);
  expect(destinations.admit('a', 8)).toBe('later');
});
