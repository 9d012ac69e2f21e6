import { expect, test } from 'vitest';
import type { LegId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { ToneDoubles } from './tone-doubles.ts';

const LEG = 'leg' as LegId;

test('a key that comes by both ways counts once, however often it is pressed', () => {
  const doubles = new ToneDoubles(new ManualClock());
  expect(doubles.isFirst(LEG, '1', 'media')).toBe(true);
  expect(doubles.isFirst(LEG, '1', 'signalling')).toBe(false);
  expect(doubles.isFirst(LEG, '1', 'signalling')).toBe(true);
  expect(doubles.isFirst(LEG, '1', 'media')).toBe(false);
});

test('keys that come by one way only all count, and so do other keys and other phones', () => {
  const doubles = new ToneDoubles(new ManualClock());
  expect(doubles.isFirst(LEG, '1', 'media')).toBe(true);
  expect(doubles.isFirst(LEG, '1', 'media')).toBe(true);
  expect(doubles.isFirst(LEG, '2', 'signalling')).toBe(true);
  expect(doubles.isFirst('other' as LegId, '1', 'signalling')).toBe(true);
});

test('what comes more than a second later is another key', () => {
  const clock = new ManualClock();
  const doubles = new ToneDoubles(clock);
  doubles.isFirst(LEG, '1', 'media');
  clock.advance(1_001);
  expect(doubles.isFirst(LEG, '1', 'signalling')).toBe(true);
});
