import { describe, expect, test } from 'vitest';
import { PlaceTracker, UNCERTAINTY_US } from './place-tracker.ts';
import { seededRandom } from './testing/two-party-call.ts';

const SSRC = 7;

/** Observes packets of 20 ms; n is sent at n · 20 ms, and the clock runs `ppm` too fast. */
function feed(
  tracker: PlaceTracker,
  from: number,
  until: number,
  options: { delayUs?: (n: number) => number; ppm?: number; skew?: number } = {},
): void {
  const { delayUs = () => 0, ppm = 0, skew = 0 } = options;
  for (let n = from; n < until; n += 1) {
    const timestamp = (n * 160 + skew) >>> 0;
    const sentUs = (n * 20_000) / (1 + ppm / 1_000_000);
    tracker.observe(SSRC, timestamp, sentUs + delayUs(n));
  }
}

/** How far the place of a packet that comes `delayUs` late is from the truth. */
function errorUs(tracker: PlaceTracker, n: number, delayUs: number, ppm = 0, skew = 0): number {
  const sentUs = (n * 20_000) / (1 + ppm / 1_000_000);
  return tracker.placeUs(SSRC, (n * 160 + skew) >>> 0, sentUs + delayUs) - sentUs;
}

describe('a place', () => {
  test('is where a packet would have arrived without delay', () => {
    const tracker = new PlaceTracker(8000);
    feed(tracker, 0, 100);
    expect(errorUs(tracker, 100, 0)).toBe(0);
    expect(errorUs(tracker, 101, 150_000)).toBe(0);
    expect(errorUs(tracker, 90, 900_000)).toBe(0);
    const wideband = new PlaceTracker(16_000);
    for (let n = 0; n < 100; n += 1) wideband.observe(1, n * 320, n * 20_000);
    expect(wideband.placeUs(1, 100 * 320, 2_111_000)).toBe(2_000_000);
  });

  test('is never after the arrival', () => {
    const tracker = new PlaceTracker(8000);
    feed(tracker, 0, 100);
    expect(errorUs(tracker, 150, -1_000_000)).toBe(-1_000_000);
  });

  test('stays within 20 ms under 200 ms of jitter, over wraps of the timestamp', () => {
    for (let skip = 0; skip < 20; skip += 1) {
      const random = seededRandom();
      for (let n = 0; n < skip * 13; n += 1) random.fraction();
      const tracker = new PlaceTracker(8000);
      const skew = 2 ** 32 - 8000 * 20;
      const delayUs = (): number => random.fraction() * 200_000;
      for (let second = 0; second < 40; second += 1) {
        feed(tracker, second * 50, second * 50 + 50, { delayUs, skew });
        if (second < 2) continue;
        const error = errorUs(tracker, second * 50 + 50, 180_000, 0, skew);
        expect(error).toBeGreaterThanOrEqual(-1);
        expect(error).toBeLessThan(20_000);
      }
    }
  });

  test.each([100, -100])('follows a clock that is off by %i ppm, for hours', (ppm) => {
    const tracker = new PlaceTracker(8000);
    const hours = 3;
    for (let n = 0; n < hours * 180_000; n += 5000) {
      feed(tracker, n, n + 5000, { ppm });
      expect(Math.abs(errorUs(tracker, n + 5000, 150_000, ppm))).toBeLessThan(1_100);
    }
  });

  test('is the earliest that it may be while little is known', () => {
    const tracker = new PlaceTracker(8000);
    expect(tracker.placeUs(SSRC, 0, 500_000)).toBe(500_000 - UNCERTAINTY_US);
    expect(tracker.place).toBeUndefined();
    feed(tracker, 0, 29);
    expect(errorUs(tracker, 28, 0)).toBe(-UNCERTAINTY_US);
    feed(tracker, 29, 50);
    expect(errorUs(tracker, 49, 0)).toBe(-UNCERTAINTY_US);
    feed(tracker, 50, 51);
    expect(errorUs(tracker, 50, 0)).toBe(0);
    expect(tracker.place).toEqual({ ssrc: SSRC, rtpTimestamp: 0, placeUs: 0 });
    expect(tracker.placeUs(SSRC + 1, 0, 7_000_000)).toBe(7_000_000 - UNCERTAINTY_US);
    const sparse = new PlaceTracker(8000);
    for (let n = 0; n < 20; n += 1) sparse.observe(SSRC, n * 1600, n * 200_000);
    expect(sparse.place).toBeUndefined();
  });
});

describe('what is known begins anew', () => {
  const fresh = (tracker: PlaceTracker): boolean => tracker.place === undefined;

  test('with another source', () => {
    const tracker = new PlaceTracker(8000);
    feed(tracker, 0, 100);
    tracker.observe(SSRC + 1, 99, 2_000_000);
    expect(fresh(tracker)).toBe(true);
    expect(tracker.placeUs(SSRC + 1, 99 + 160, 2_300_000)).toBe(2_020_000 - UNCERTAINTY_US);
  });

  test('when timestamps jump ahead, and when they jump back for good', () => {
    const ahead = new PlaceTracker(8000);
    feed(ahead, 0, 100);
    feed(ahead, 100, 101, { skew: 8000 });
    expect(fresh(ahead)).toBe(true);
    feed(ahead, 101, 160, { skew: 8000 });
    expect(errorUs(ahead, 160, 100_000, 0, 8000)).toBe(0);

    const restarted = new PlaceTracker(8000);
    feed(restarted, 0, 100, { skew: 1_000_000 });
    feed(restarted, 100, 101, { skew: 0 });
    expect(fresh(restarted)).toBe(true);

    const stopped = new PlaceTracker(8000);
    feed(stopped, 0, 100);
    // The sender's clock stood still for three seconds: its packets stay that late.
    feed(stopped, 100, 199, { skew: -24_000 });
    expect(errorUs(stopped, 198, 0, 0, -24_000)).toBe(-3_000_000);
    feed(stopped, 199, 300, { skew: -24_000 });
    expect(errorUs(stopped, 300, 50_000, 0, -24_000)).toBe(0);
  });

  test('after ten seconds of silence', () => {
    const tracker = new PlaceTracker(8000);
    feed(tracker, 0, 100);
    feed(tracker, 400, 401);
    expect(fresh(tracker)).toBe(false);
    feed(tracker, 1200, 1201);
    expect(fresh(tracker)).toBe(true);
  });

  test('not when the network stands still and then hands on what it held', () => {
    const tracker = new PlaceTracker(8000);
    feed(tracker, 0, 100);
    feed(tracker, 100, 300, { delayUs: (n) => (300 - n) * 20_000 });
    expect(errorUs(tracker, 300, 0)).toBe(0);
    expect(fresh(tracker)).toBe(false);
  });
});
