import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { UsedAssertions } from './used-assertions.ts';

const HERE = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';

test('what is over is forgotten, and may come from anywhere', () => {
  const clock = new ManualClock();
  const used = new UsedAssertions(clock);
  const untilMs = clock.nowMs() + 1000;
  expect(used.use('app', 'id', 'text', { peer: HERE, untilMs })).toBe(true);
  expect(used.use('app', 'id', 'text', { peer: ELSEWHERE, untilMs })).toBe(false);
  expect(used.use('other-app', 'id', 'text', { peer: ELSEWHERE, untilMs })).toBe(true);
  clock.advance(1001);
  const later = clock.nowMs() + 1000;
  expect(used.use('app', 'id', 'text', { peer: ELSEWHERE, untilMs: later })).toBe(true);
});

test('no more than ten thousand are remembered, the youngest', () => {
  const clock = new ManualClock();
  const used = new UsedAssertions(clock);
  const untilMs = clock.nowMs() + 1000;
  for (let id = 0; id <= 10_000; id += 1) used.use('app', String(id), 'a', { peer: HERE, untilMs });
  expect(used.use('app', '10000', 'a', { peer: ELSEWHERE, untilMs })).toBe(false);
  expect(used.use('app', '1', 'a', { peer: ELSEWHERE, untilMs })).toBe(false);
  expect(used.use('app', '0', 'a', { peer: ELSEWHERE, untilMs })).toBe(true);
});
