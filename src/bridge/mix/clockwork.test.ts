import { expect, test } from 'vitest';
import type { Clock } from '../../core/ports/clock.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { Clockwork, type Ticking } from './clockwork.ts';

/** Notes what it is told. */
class Member implements Ticking {
  readonly ticks: number[] = [];
  skipped = 0;
  tick(frameUs: number): void {
    this.ticks.push(frameUs);
  }
  skip(frames: number): void {
    this.skipped += frames;
  }
}

test('each member ticks every 20 ms, and not all of them at the same moment', () => {
  const clock = new ManualClock();
  clock.advance(7);
  const clockwork = new Clockwork(clock);
  const members = Array.from({ length: 8 }, () => new Member());
  for (const member of members) clockwork.add(member);
  clockwork.add(members[0] ?? new Member());
  clock.advance(1000);
  for (const { ticks } of members) {
    expect(ticks).toHaveLength(50);
    ticks.forEach((tick, index) => {
      expect(tick).toBe((ticks[0] ?? 0) + index * 20_000);
    });
  }
  expect(new Set(members.map(({ ticks }) => (ticks[0] ?? 0) % 20_000)).size).toBe(4);
});

test('without members no timer runs; who is gone does not tick, even if it goes while ticking', () => {
  const clock = new ManualClock();
  const clockwork = new Clockwork(clock);
  const [a, b] = [new Member(), new Member()];
  expect(clock.pendingTimers).toBe(0);
  clockwork.add(a);
  a.tick = () => {
    clockwork.remove(a);
    clockwork.remove(b);
  };
  clockwork.add(b);
  clock.advance(100);
  expect(b.ticks.length).toBeLessThanOrEqual(1);
  expect(clock.pendingTimers).toBe(0);
  clockwork.add(b);
  const { length } = b.ticks;
  clock.advance(100);
  expect(b.ticks).toHaveLength(length + 5);
});

test('after a stall three frames are made at once, and the others are skipped', () => {
  let nowUs = 0;
  let fire: (() => void) | undefined;
  const clock: Clock = {
    nowMs: () => nowUs / 1000,
    monotonicUs: () => nowUs,
    setTimer: (_delayMs, then) => {
      fire = then;
      return { cancel: () => undefined };
    },
  };
  const clockwork = new Clockwork(clock);
  const member = new Member();
  clockwork.add(member);
  nowUs = 20_000;
  fire?.();
  expect(member.ticks).toEqual([20_000]);
  nowUs = 500_000;
  fire?.();
  expect(member.ticks).toEqual([20_000, 40_000, 60_000, 80_000]);
  expect(member.skipped).toBe(21);
  nowUs = 520_000;
  fire?.();
  expect(member.ticks.slice(4)).toEqual([520_000]);
});
