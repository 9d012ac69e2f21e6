import { expect, test } from 'vitest';
import { BLOCK_SAMPLES } from './constants.ts';
import { DriftFollower } from './drift-follower.ts';

/** Feeds a packet every 20 ms for some seconds and lets the span follow; returns its offset. */
function follow(seconds: number, offsetAt: (arrival: number) => number): number[] {
  const follower = new DriftFollower(1, 50);
  const offsets = [0];
  for (let arrival = 0; arrival < seconds * 8000; arrival += 160) {
    follower.observe(arrival, offsetAt(arrival));
    if (arrival % BLOCK_SAMPLES < 160)
      offsets.push(offsets.at(-1)! + follower.step(offsets.at(-1)!));
  }
  return offsets;
}

test('a delay that grows by 100 ms is followed by one sample a block, from when it is sure', () => {
  const offsets = follow(60, (arrival) => (arrival < 96_000 ? 0 : 800));
  const start = offsets.findIndex((offset) => offset !== 0);
  // 12 s, and until no packet of before is within the last five to ten seconds.
  expect((start * BLOCK_SAMPLES) / 8000).toBeGreaterThan(17);
  expect((start * BLOCK_SAMPLES) / 8000).toBeLessThan(23);
  const moved = offsets.slice(start, start + 100);
  moved.forEach((offset, at) => expect(offset).toBe(at + 1));
});

test('late packets alone move nothing', () => {
  const offsets = follow(60, (arrival) => (arrival % 1600 === 0 ? 0 : 1500));
  expect(Math.max(...offsets)).toBe(0);
});

test('a drift is followed all the way once it is known', () => {
  const offsets = follow(600, (arrival) => arrival / 10_000);
  offsets.forEach((offset, at) => {
    const truth = (at * BLOCK_SAMPLES) / 10_000;
    // 10 ms until it is known, 4 ms from then on, and 1 ms for the estimate, which looks back.
    expect(Math.abs(offset - truth)).toBeLessThan(at * BLOCK_SAMPLES < 1_200_000 ? 90 : 42);
  });
  expect(offsets.at(-1)).toBeGreaterThan(400);
});

test('too few packets say nothing', () => {
  const follower = new DriftFollower(1, 50);
  for (let packet = 0; packet < 40; packet += 1) follower.observe(packet * 160, 5000);
  expect(follower.step(0)).toBe(0);
});
