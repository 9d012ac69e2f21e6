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
  const clockwork = new Clockwork(clock, () => undefined);
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
  const clockwork = new Clockwork(clock, () => undefined);
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

/** A clock whose timers fire late, and a member of its clockwork that has ticked once, at 20 ms. */
function standing() {
  let nowUs = 0;
  let fire: (() => void) | undefined;
  const leftOut: number[] = [];
  const clock: Clock = {
    nowMs: () => nowUs / 1000,
    monotonicUs: () => nowUs,
    setTimer: (_delayMs, then) => {
      fire = then;
      return { cancel: () => undefined };
    },
  };
  const clockwork = new Clockwork(clock, (frames) => leftOut.push(frames));
  const member = new Member();
  clockwork.add(member);
  const fireAt = (atUs: number): void => {
    nowUs = atUs;
    fire?.();
  };
  fireAt(20_000);
  return { member, leftOut, fireAt };
}

test('after a stall of half a second every frame is made, once sockets have had their turn', () => {
  const { member, leftOut, fireAt } = standing();
  fireAt(516_000);
  expect(member.ticks).toEqual([20_000]);
  fireAt(519_000);
  expect(member.ticks).toEqual(Array.from({ length: 25 }, (_, at) => 20_000 * (at + 1)));
  fireAt(520_000);
  fireAt(540_000);
  expect(member.ticks.slice(25)).toEqual([520_000, 540_000]);
  expect(leftOut).toEqual([]);
});

test('after a longer stall what cannot be made up for is left out, and counted', () => {
  const { member, leftOut, fireAt } = standing();
  fireAt(1_000_000);
  fireAt(1_000_000);
  expect(member.ticks).toEqual(Array.from({ length: 26 }, (_, at) => 20_000 * (at + 1)));
  expect(member.skipped).toBe(24);
  expect(leftOut).toEqual([24]);
  fireAt(1_020_000);
  expect(member.ticks.slice(26)).toEqual([1_020_000]);
});

test('a frame that is late by less than another one is made at once', () => {
  const { member, fireAt } = standing();
  fireAt(59_000);
  expect(member.ticks).toEqual([20_000, 40_000]);
});
