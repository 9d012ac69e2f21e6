import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

test.each([
  ['0', 0],
  ['120', 120],
  ['18000;duration=3600', 18_000],
  ["120 (I'm in a meeting)", 120],
  [' 7 ;duration=1', 7],
  ['9999999999', 9_999_999_999],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['12345678901', undefined],
  ['Fri, 31 Dec 1999 23:59:59 GMT', undefined],
  ['12 minutes', undefined],
])('Retry-After: %s is %s seconds', (text, seconds) => {
  expect(parseRetryAfter(text)).toBe(seconds);
});
