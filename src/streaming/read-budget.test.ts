import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { ReadBudget } from './read-budget.ts';

const MEBIBYTE = 1024 * 1024;
let clock: ManualClock;
let calls: string[];
let budget: ReadBudget;

beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  budget = new ReadBudget(
    { pause: () => calls.push('pause'), resume: () => calls.push('resume') },
    clock,
  );
});

test('what audio needs is never held up', () => {
  for (let second = 0; second < 60; second += 1) {
    for (let message = 0; message < 50; message += 1) budget.spend(1400);
    clock.advance(1000);
  }
  expect(calls).toEqual([]);
});

test('one that sends more than that waits a second, again and again', () => {
  for (let message = 0; message < 9; message += 1) budget.spend(MEBIBYTE);
  expect(calls).toEqual(['pause']);
  clock.advance(999);
  expect(calls).toEqual(['pause']);
  clock.advance(1);
  expect(calls).toEqual(['pause', 'resume']);
  for (let message = 0; message < 9; message += 1) budget.spend(MEBIBYTE);
  expect(calls).toEqual(['pause', 'resume', 'pause']);
});

test('many small messages cost as well', () => {
  for (let message = 0; message < 10_000; message += 1) budget.spend(2);
  expect(calls).toEqual(['pause']);
});

test('one that is closed is read to its end', () => {
  for (let message = 0; message < 9; message += 1) budget.spend(MEBIBYTE);
  budget.close();
  budget.close();
  for (let message = 0; message < 9; message += 1) budget.spend(MEBIBYTE);
  clock.advance(5000);
  expect(calls).toEqual(['pause', 'resume']);
});
