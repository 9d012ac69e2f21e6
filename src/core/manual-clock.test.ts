import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

test('timers fire in the order of their due times, each at its time, and equal ones as they were set', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 20 }), fc.nat(60), (delaysMs, byMs) => {
      const clock = new ManualClock(0);
      const fired: { readonly index: number; readonly atMs: number }[] = [];
      delaysMs.forEach((delayMs, index) => {
        clock.setTimer(delayMs, () => fired.push({ index, atMs: clock.nowMs() }));
      });
      clock.advance(byMs);
      const due = delaysMs
        .map((atMs, index) => ({ index, atMs }))
        .filter(({ atMs }) => atMs <= byMs)
        .sort((one, other) => one.atMs - other.atMs || one.index - other.index);
      expect(fired).toEqual(due);
      expect(clock.nowMs()).toBe(byMs);
      expect(clock.pendingTimers).toBe(delaysMs.length - due.length);
    }),
  );
});

test('timers that timers set fire in the same advance, cancelled ones never', () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  clock.setTimer(10, () => {
    fired.push('first');
    clock.setTimer(10, () => fired.push('second'));
  });
  const cancelled = clock.setTimer(5, () => fired.push('cancelled'));
  cancelled.cancel();
  cancelled.cancel();
  clock.advance(20);
  expect(fired).toEqual(['first', 'second']);
});

test('a step of the wall clock leaves monotonic time and timers alone', () => {
  const clock = new ManualClock(1_000);
  let isFired = false;
  clock.setTimer(100, () => (isFired = true));
  clock.stepWall(-500);
  expect(clock.nowMs()).toBe(500);
  expect(clock.monotonicUs()).toBe(0);
  clock.advance(99);
  expect(isFired).toBe(false);
  clock.advance(1);
  expect(isFired).toBe(true);
});

test('awaited work goes on between the steps', async () => {
  const clock = new ManualClock();
  const wait = (): Promise<void> => new Promise((resolve) => clock.setTimer(10, resolve));
  let rounds = 0;
  void (async () => {
    for (; rounds < 3; rounds += 1) await wait();
  })();
  await clock.advanceWithTurns(30, 10);
  expect(rounds).toBe(3);
});
