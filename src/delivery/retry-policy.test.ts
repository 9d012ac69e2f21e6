import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDelivered, isFinal, parseRetryAfterMs, retryDelayMs } from './retry-policy.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);

function delay(attempt: number, status: number | undefined, retryAfterMs?: number): number {
  return retryDelayMs({ attempt, status, retryAfterMs, fraction: 0 });
}

test('the waits are 10 s, 30 s, 1, 5, 10 and 30 min, 1, 3 and 6 h, then 12 h', () => {
  const waits = Array.from({ length: 12 }, (_, index) => delay(index + 1, 500) / 1_000);
  expect(waits).toEqual([
    10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200,
  ]);
});

test('some statuses wait longer than the schedule begins with', () => {
  expect(delay(1, 404)).toBe(300_000);
  expect(delay(1, 408)).toBe(120_000);
  expect(delay(1, 503)).toBe(30_000);
  expect(delay(1, 429)).toBe(10_000);
  expect(delay(1, undefined)).toBe(10_000);
  expect(delay(5, 503)).toBe(600_000);
});

test('Retry-After counts when it is longer', () => {
  expect(delay(1, 503, 60_000)).toBe(60_000);
  expect(delay(3, 503, 5_000)).toBe(60_000);
});

test('jitter adds at most a tenth and takes nothing away', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, status, fraction) => {
        const without = delay(attempt, status);
        const jittered = retryDelayMs({ attempt, status, retryAfterMs: undefined, fraction });
        expect(jittered).toBeGreaterThanOrEqual(without);
        expect(jittered).toBeLessThanOrEqual(without * 1.1 + 1);
      },
    ),
  );
});

test('exactly 200 to 204 are success, and exactly 400, 401, 403 and 413 are final', () => {
  const statuses = Array.from({ length: 500 }, (_, index) => index + 100);
  expect(statuses.filter(isDelivered)).toEqual([200, 201, 202, 203, 204]);
  expect(statuses.filter(isFinal)).toEqual([400, 401, 403, 413]);
});

test('Retry-After is read as seconds or as a date', () => {
  expect(parseRetryAfterMs('120', NOW_MS)).toBe(120_000);
  expect(parseRetryAfterMs(' 0 ', NOW_MS)).toBe(0);
  expect(parseRetryAfterMs('Thu, 01 Jan 2026 12:01:00 GMT', NOW_MS)).toBe(60_000);
  expect(parseRetryAfterMs('Thu, 01 Jan 2026 11:00:00 GMT', NOW_MS)).toBe(0);
});

test('any other Retry-After is as none', () => {
  expect(parseRetryAfterMs(undefined, NOW_MS)).toBeUndefined();
  for (const text of ['', '-5', '1.5', '2026-01-01', 'soon', '9'.repeat(40)]) {
    expect(parseRetryAfterMs(text, NOW_MS)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseRetryAfterMs(text, NOW_MS);
      expect(ms === undefined || (Number.isFinite(ms) && ms >= 0)).toBe(true);
    }),
  );
});
