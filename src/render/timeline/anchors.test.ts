import { expect, test } from 'vitest';
import { encodeG711 } from '../../media/g711/g711.ts';
import { sine } from '../../media/tone/sine.ts';
import { findTone, type ToneSpan } from '../../media/tone/tone-meter.ts';
import { talk, type PlannedPacket } from '../testing/packets.ts';
import { runTimeline } from '../testing/timeline-setup.ts';

const HZ = 600;
const PEAK = 8_000;

/** Steps of 200 ms, every second one a tone: shifts and losses show. */
function beeps(seconds: number): PlannedPacket[] {
  const samples = new Int16Array(seconds * 8000);
  for (let at = 0; at < samples.length; at += 3200) {
    samples.set(sine({ frequencyHz: HZ, amplitude: PEAK }, 8000, 1600), at);
  }
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return talk({ ssrc: 5, timestamp: 4000, startUs: 0 }, codes);
}

const later = (packets: readonly PlannedPacket[], byUs: number): PlannedPacket[] =>
  packets.map((packet) => ({ ...packet, arrivalUs: packet.arrivalUs + byUs }));

const between = (
  packets: readonly PlannedPacket[],
  fromUs: number,
  toUs: number,
): PlannedPacket[] => packets.filter(({ arrivalUs }) => arrivalUs >= fromUs && arrivalUs < toUs);

function tonesIn(mix: Int32Array): readonly ToneSpan[] {
  return findTone(Int16Array.from(mix), 8000, { frequencyHz: HZ, threshold: PEAK / 2 });
}

function expectTones(found: readonly ToneSpan[], startsMs: readonly number[]): void {
  expect(found).toHaveLength(startsMs.length);
  found.forEach(({ startMs, endMs }, at) => {
    expect(Math.abs(startMs - startsMs[at]!)).toBeLessThan(4);
    expect(Math.abs(endMs - startsMs[at]! - 200)).toBeLessThan(4);
  });
}

test('an anchor moves a stream whose clock drifted in a pause, though its numbers go on', () => {
  const packets = beeps(8);
  const driftUs = 120_000;
  const { mix } = runTimeline({
    streams: [
      [...between(packets, 0, 2_000_000), ...later(between(packets, 3_880_000, 8e6), driftUs)],
    ],
    endUs: 8_000_000,
    extra: [
      { atUs: 2_000_000, give: (to) => to.paused(2_000_000) },
      { atUs: 4_000_000, give: (to) => to.resumed(4_000_000) },
      { atUs: 4_000_000, give: (to) => to.anchor(0, 4_000_000, 5, 4000, driftUs) },
    ],
  });
  // 4 s and what follows is 2 s and what follows of the file.
  expectTones(tonesIn(mix), [
    ...[0, 400, 800, 1200, 1600],
    ...[2120, 2520, 2920, 3320, 3720, 4120, 4520, 4920, 5320, 5720],
  ]);
});

test('an anchor that no packet needed is not used for a restart much later', () => {
  const packets = beeps(24);
  const stalledUs = 1_600_000;
  const { mix, timeline } = runTimeline({
    streams: [
      [
        ...between(packets, 0, 2_000_000),
        ...between(packets, 4_000_000, 16_000_000),
        ...later(between(packets, 16_000_000, 18_000_000), stalledUs),
      ],
    ],
    endUs: 22_000_000,
    extra: [
      { atUs: 2_000_000, give: (to) => to.paused(2_000_000) },
      { atUs: 4_000_000, give: (to) => to.resumed(4_000_000) },
      { atUs: 4_000_000, give: (to) => to.anchor(0, 4_000_000, 5, 4000, 0) },
    ],
  });
  expectTones(tonesIn(mix.subarray(15_600 * 8)), [0, 400, 800, 1200, 1600]);
  expect(timeline.latePackets).toBe(0);
});
