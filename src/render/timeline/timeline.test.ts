import { describe, expect, test } from 'vitest';
import { encodeG711, g711Samples } from '../../media/g711/g711.ts';
import { impair, seeded, talk, type PlannedPacket } from '../testing/packets.ts';
import { COMFORT_NOISE, TELEPHONE_EVENT } from '../testing/journal-generator.ts';
import { runTimeline } from '../testing/timeline-setup.ts';

const table = g711Samples('PCMU');

/** Noise whose every sample differs from its neighbours: a shift by one sample cannot hide. */
function noise(seconds: number, seed: number): Uint8Array {
  const random = seeded(seed);
  const samples = Int16Array.from({ length: seconds * 8000 }, () => (random() - 0.5) * 20_000);
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}

/**
 * Where the rule puts position 0 of a span: by the earliest arrival of its first second, or of as
 * much more (four seconds at most) as makes it certain that one of them was hardly delayed.
 */
function anchorOf(packets: readonly PlannedPacket[]): number {
  const inOrder = packets.toSorted((a, b) => a.arrivalUs - b.arrivalUs);
  const first = inOrder[0]!;
  const seen = new Set<number>();
  const offsets: number[] = [];
  for (const { arrivalUs, timestamp, sequence } of inOrder) {
    const elapsedUs = Math.floor(arrivalUs) - Math.floor(first.arrivalUs);
    const earliest = Math.min(...offsets);
    const mean = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
    const isCertain = offsets.length * 160 >= 9 * 2 * (mean - earliest);
    if (elapsedUs >= 4_000_000 || (elapsedUs >= 1_000_000 && isCertain)) break;
    if (seen.has(sequence)) continue;
    seen.add(sequence);
    offsets.push(Math.floor(arrivalUs) / 125 - (timestamp - first.timestamp));
  }
  return Math.round(Math.min(...offsets)) - first.timestamp;
}

/** Adds what must be heard of a span, sample by sample. */
function place(into: Int32Array, packets: readonly PlannedPacket[], anchor: number): void {
  const seen = new Set<number>();
  for (const { sequence, timestamp, payload } of packets) {
    if (seen.has(sequence)) continue;
    seen.add(sequence);
    payload.forEach((code, at) => {
      const index = anchor + timestamp + at;
      if (index >= 0 && index < into.length) into[index]! += table[code]!;
    });
  }
}

/** Index of the first sample that differs, or −1; printing thousands of samples helps nobody. */
function firstDifference(actual: Int32Array, expected: Int32Array): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((sample, at) => sample !== expected[at]);
}

function expectPlaced(seed: number): void {
  const network = { loss: 0.2, jitterUs: 200_000, reordered: 0.05, duplicated: 0.05 };
  const random = seeded(seed);
  const start = { sequence: 65_400, timestamp: 2 ** 32 - 20_000, startUs: 100_000 };
  const first = impair(talk({ ...start, ssrc: 7 }, noise(8, seed)), network, random);
  const second = impair(
    talk({ ssrc: 8, sequence: 9, timestamp: 5, startUs: 8_100_000 }, noise(6, seed + 50)),
    network,
    random,
  );
  const other = impair(
    talk({ ssrc: 9, sequence: 65_530, timestamp: 2 ** 32 - 8, startUs: 3_033_000 }, noise(9, 99)),
    network,
    random,
  );
  const endUs = 15_000_000;
  const { mix, timeline } = runTimeline({ streams: [[...first, ...second], other], endUs });
  const expected = new Int32Array(endUs / 125);
  for (const [span, truthUs] of [
    [first, 100_000 - (2 ** 32 - 20_000) * 125],
    [second, 8_100_000 - 5 * 125],
    [other, 3_033_000 - (2 ** 32 - 8) * 125],
  ] as const) {
    const anchor = anchorOf(span);
    const errorMs = (anchor * 125 - truthUs) / 1000;
    expect(errorMs).toBeGreaterThanOrEqual(-0.2);
    expect(errorMs).toBeLessThan(20);
    place(expected, span, anchor);
  }
  expect(firstDifference(mix, expected)).toBe(-1);
  expect(timeline.latePackets).toBe(0);
}

describe('the timeline', () => {
  test.each(Array.from({ length: 40 }, (_, index) => index + 1))(
    'places every sample of a bad network exactly, over wraps and a new SSRC (seed %i)',
    expectPlaced,
  );

  test('renders a packet that comes as late as the window, and counts one that comes later', () => {
    const codes = noise(6, 3);
    const packets = talk({ ssrc: 1, startUs: 0 }, codes);
    const delayed = (index: number, byUs: number): PlannedPacket => {
      const packet = packets[index]!;
      return { ...packet, arrivalUs: packet.arrivalUs + byUs };
    };
    const arrived = packets.filter((_, index) => index !== 100 && index !== 150);
    arrived.push(delayed(100, 1_000_000), delayed(150, 1_000_125));
    const { mix, timeline } = runTimeline({ streams: [arrived], endUs: 6_000_000 });
    const expected = new Int32Array(48_000);
    place(expected, packets.toSpliced(150, 1), 0);
    expect(firstDifference(mix, expected)).toBe(-1);
    expect(timeline.latePackets).toBe(1);
  });

  test('keeps the distances of samples over silence, comfort noise and keys', () => {
    const codes = noise(10, 4);
    const packets = talk({ ssrc: 1, startUs: 40_000 }, codes);
    const arrived = packets.flatMap((packet, index) => {
      if (index >= 100 && index < 200)
        return index === 100 ? [{ ...packet, payloadType: COMFORT_NOISE }] : [];
      if (index >= 300 && index < 320)
        return [{ ...packet, payloadType: TELEPHONE_EVENT, timestamp: packets[300]!.timestamp }];
      return [packet];
    });
    const renumbered = arrived.map((packet, index) => ({ ...packet, sequence: index + 1 }));
    const { mix } = runTimeline({ streams: [renumbered], endUs: 11_000_000 });
    const expected = new Int32Array(88_000);
    place(
      expected,
      packets.filter(
        (_, index) => !(index >= 100 && index < 200) && !(index >= 300 && index < 320),
      ),
      320,
    );
    expect(firstDifference(mix, expected)).toBe(-1);
  });

  test.each([
    ['numbers and timestamps', { sequence: 30_000, timestamp: 1_000_000 }],
    ['timestamps only, forward', { sequence: 201, timestamp: 5_000_000 }],
    ['timestamps only, backward', { sequence: 201, timestamp: 0 }],
  ])('begins a new span when the sender restarts its %s', (_what, restart) => {
    const before = talk({ ssrc: 1, timestamp: 700_000, startUs: 0 }, noise(4, 5));
    const after = talk({ ssrc: 1, ...restart, startUs: 4_500_000 }, noise(3, 6));
    const { mix } = runTimeline({ streams: [[...before, ...after]], endUs: 8_000_000 });
    const expected = new Int32Array(64_000);
    place(expected, before, -700_000);
    place(expected, after, 36_000 - restart.timestamp);
    expect(firstDifference(mix, expected)).toBe(-1);
  });

  test('goes on after a sender whose clock stood still while it was on hold', () => {
    const codes = noise(6, 7);
    const packets = talk({ ssrc: 1, startUs: 0 }, codes).map((packet, index) =>
      index < 150 ? packet : { ...packet, arrivalUs: packet.arrivalUs + 7_000_000 },
    );
    const { mix, timeline } = runTimeline({ streams: [packets], endUs: 13_000_000 });
    const expected = new Int32Array(104_000);
    place(expected, packets.slice(0, 150), 0);
    place(expected, packets.slice(150), 56_000);
    expect(firstDifference(mix, expected)).toBe(-1);
    expect(timeline.latePackets).toBe(0);
  });

  test('keeps exact distances over a network that stood still and then gave all at once', () => {
    const packets = talk({ ssrc: 1, startUs: 0 }, noise(8, 8)).map((packet, index) =>
      index >= 150 && index < 250 ? { ...packet, arrivalUs: 5_000_000 + index } : packet,
    );
    const { mix, timeline } = runTimeline({ streams: [packets], endUs: 8_000_000 });
    const expected = new Int32Array(64_000);
    // The one at 4,000 ms came at 5,000.2 ms.
    const late = packets.filter((_, index) => index >= 150 && index <= 200);
    place(
      expected,
      packets.filter((packet) => !late.includes(packet)),
      0,
    );
    expect(firstDifference(mix, expected)).toBe(-1);
    expect(timeline.latePackets).toBe(late.length);
  });

  test('a single packet with foreign numbers changes nothing', () => {
    const packets = talk({ ssrc: 1, startUs: 0 }, noise(4, 9));
    const stray = { ...packets[50]!, sequence: 40_000, timestamp: 9_999_999, arrivalUs: 1_999_000 };
    const { mix } = runTimeline({ streams: [[...packets, stray]], endUs: 4_000_000 });
    const expected = new Int32Array(32_000);
    place(expected, packets, 0);
    expect(firstDifference(mix, expected)).toBe(-1);
  });

  test('cuts paused time out and goes on in step', () => {
    const packets = talk({ ssrc: 1, startUs: 0 }, noise(9, 10)).filter(
      ({ arrivalUs }) => arrivalUs < 3_000_000 || arrivalUs >= 5_500_000,
    );
    const { mix, timeline } = runTimeline({
      streams: [packets],
      endUs: 9_000_000,
      extra: [
        { atUs: 3_000_000, give: (to) => to.paused(3_000_000) },
        { atUs: 5_500_000, give: (to) => to.resumed(5_500_000) },
      ],
    });
    const whole = new Int32Array(72_000);
    place(whole, packets, 0);
    const expected = Int32Array.of(...whole.subarray(0, 24_000), ...whole.subarray(44_000));
    expect(firstDifference(mix, expected)).toBe(-1);
    expect(timeline.pauses).toEqual([{ fromUs: 3_000_000, toUs: 5_500_000 }]);
  });

  test('takes the place of a stream that began in a pause from its anchor', () => {
    const packets = talk({ ssrc: 1, timestamp: 800, startUs: 2_000_000 }, noise(4, 11)).filter(
      ({ arrivalUs }) => arrivalUs >= 4_000_000,
    );
    const delayed = packets.map((packet) => ({ ...packet, arrivalUs: packet.arrivalUs + 8000 }));
    const { mix } = runTimeline({
      streams: [delayed],
      endUs: 7_000_000,
      extra: [
        { atUs: 1_000_000, give: (to) => to.paused(1_000_000) },
        { atUs: 4_000_000, give: (to) => to.resumed(4_000_000) },
        { atUs: 4_000_000, give: (to) => to.anchor(0, 4_000_000, 1, 800, 2_000_000) },
      ],
    });
    const expected = new Int32Array(56_000);
    place(expected, packets, 16_000 - 800);
    expect(firstDifference(mix.subarray(8000), expected.subarray(32_000))).toBe(-1);
  });

  test('A-law gaps are silence, not the quietest code', () => {
    const codes = new Uint8Array(8000).fill(0xd5);
    const packets = talk({ ssrc: 1, startUs: 0, payloadType: 8 }, codes);
    const { mix } = runTimeline({
      streams: [packets.filter((_, index) => index !== 20)],
      formats: [{ codec: 'PCMA', clockRateHz: 8000, payloadType: 8 }],
      endUs: 1_000_000,
    });
    expect([mix[3199], mix[3200], mix[3359], mix[3360]]).toEqual([8, 0, 0, 8]);
  });
});
