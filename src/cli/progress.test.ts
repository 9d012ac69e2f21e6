import { expect, test } from 'vitest';
import { progressLine } from './progress.ts';

test.each<[number, number | undefined, number, string]>([
  [0, 2048, 0, 'x                             0 %  0 B of 2.0 KiB  0 B/s'],
  [1024, 2048, 2, 'x  ████████████              50 %  1.0 KiB of 2.0 KiB  512 B/s'],
  [1100, 2048, 1, 'x  ████████████▉             53 %  1.1 KiB of 2.0 KiB  1.1 KiB/s'],
  [2048, 2048, 1, 'x  ████████████████████████ 100 %  2.0 KiB of 2.0 KiB  2.0 KiB/s'],
  [4096, 2048, 1, 'x  ████████████████████████ 100 %  4.0 KiB of 2.0 KiB  4.0 KiB/s'],
  [0, 0, 1, 'x  ████████████████████████ 100 %  0 B of 0 B  0 B/s'],
  [5, undefined, 61.2, 'x  61 s'],
])('%d of %s bytes after %d s', (bytes, total, seconds, line) => {
  expect(progressLine('x', bytes, total, seconds)).toBe(line);
});
