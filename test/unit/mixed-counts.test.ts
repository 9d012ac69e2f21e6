import { expect, test } from 'vitest';
import { buildRtcp } from '../../src/protocols/rtcp/build.ts';
import { MixedCounts } from '../support/load/mixed-counts.ts';

const SSRC = 7;

/** The server's report of what it has not received from a source. */
function report(ssrc: number, cumulativeLost: number): Uint8Array {
  const block = {
    ssrc,
    fractionLost: 0,
    cumulativeLost,
    extendedHighestSequence: 100,
    jitterTicks: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  };
  return buildRtcp([{ type: 'receiver-report', ssrc: 1, reports: [block] }]);
}

test('what the server has made and did not come is lost, across the wrap and in any order', () => {
  const counts = new MixedCounts();
  expect(counts.lost).toBe(0);
  for (const number of [65_534, 1, 65_535, 4]) counts.take(number);
  // 0, 2 and 3.
  expect(counts.lost).toBe(3);
  counts.reset();
  counts.take(9);
  expect(counts.lost).toBe(0);
});

test('what the server reports as not received is lost too, if it is ours and of this count', () => {
  const counts = new MixedCounts();
  counts.takeReport(report(SSRC, 2), SSRC);
  counts.takeReport(report(8, 50), SSRC);
  counts.takeReport(Uint8Array.of(1, 2, 3), SSRC);
  expect(counts.lost).toBe(2);
  counts.reset();
  expect(counts.lost).toBe(0);
  counts.takeReport(report(SSRC, 5), SSRC);
  expect(counts.lost).toBe(3);
});
