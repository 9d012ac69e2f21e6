import fc from 'fast-check';
import { encodeG711 } from '../../media/g711/g711.ts';
import { sine } from '../../media/tone/sine.ts';
import type { PlannedJournal, PlannedStream } from './journal-generator.ts';
import { encodedTalk, rateOf, TEST_FORMATS, type TestFormat } from './encoded-talk.ts';
import { impair, seeded, talk } from './packets.ts';

type Visit = {
  readonly who: number;
  readonly fromMs: number;
  readonly lengthMs: number;
  readonly bursts: readonly { readonly atMs: number; readonly lengthMs: number }[];
};

const CALL_MS = 9000;
const NETWORK = { loss: 0.05, jitterUs: 60_000, reordered: 0.05, duplicated: 0.05 };

const VISIT = fc.record({
  who: fc.nat({ max: 4 }),
  fromMs: fc.nat({ max: CALL_MS - 500 }),
  lengthMs: fc.integer({ min: 300, max: CALL_MS }),
  bursts: fc.array(
    fc.record({ atMs: fc.nat({ max: CALL_MS }), lengthMs: fc.integer({ min: 30, max: 700 }) }),
    { maxLength: 3 },
  ),
});

/** What a random call is made from: short enough to be printed. */
export type CallShape = {
  readonly visits: readonly Visit[];
  readonly pausesMs: readonly number[];
  readonly endMs: number;
  readonly seed: number;
};

/**
 * Calls of up to six visits by up to five people, who come late, leave, come again and are in the
 * call twice at a time; with pauses, and an end anywhere.
 */
export const CALL_SHAPE: fc.Arbitrary<CallShape> = fc.record({
  visits: fc.array(VISIT, { minLength: 1, maxLength: 6 }),
  pausesMs: fc.array(fc.integer({ min: 1, max: CALL_MS - 1 }), { maxLength: 4 }),
  endMs: fc.integer({ min: 200, max: CALL_MS }),
  seed: fc.nat({ max: 1000 }),
});

/** @param formats those of the visits, by turns. Default PCMU. */
export function callOf(
  shape: CallShape,
  formats: readonly TestFormat[] = ['PCMU'],
): Omit<PlannedJournal, 'directory'> {
  const { visits, pausesMs, endMs, seed } = shape;
  const random = seeded(seed);
  const edges = [...new Set(pausesMs)].filter((atMs) => atMs < endMs).sort((a, b) => a - b);
  const pauses = Array.from({ length: edges.length >> 1 }, (_, pair) => ({
    // Not on a whole sample.
    fromUs: (edges[2 * pair] ?? 0) * 1000 + 40,
    toUs: (edges[2 * pair + 1] ?? 0) * 1000 + 77,
  }));
  return {
    streams: visits.map((visit, index) => {
      const format = formats[index % formats.length] ?? 'PCMU';
      return streamOf(visit, index, endMs, format, random);
    }),
    pauses,
    endUs: endMs * 1000 + 333,
  };
}

function streamOf(
  visit: Visit,
  index: number,
  endMs: number,
  format: TestFormat,
  random: () => number,
): PlannedStream {
  const rateHz = rateOf(format);
  const perMs = rateHz / 1000;
  const joinedUs = visit.fromMs * 1000;
  const lengthMs = Math.max(20, Math.min(visit.lengthMs, endMs - visit.fromMs));
  const samples = new Int16Array(lengthMs * perMs);
  for (const { atMs, lengthMs: burstMs } of visit.bursts) {
    const from = Math.min(samples.length, atMs * perMs);
    const count = Math.min(samples.length - from, burstMs * perMs);
    samples.set(sine({ frequencyHz: 300 + 170 * index, amplitude: 5000 }, rateHz, count), from);
  }
  const sender = { ssrc: index + 1, startUs: joinedUs, driftPpm: 2000 * (index - 2) };
  const packets =
    format === 'PCMU' ? talk(sender, pcmu(samples)) : encodedTalk({ ...sender, format }, samples);
  return {
    participantId: `p${visit.who}`,
    format: TEST_FORMATS[format],
    joinedUs,
    leftUs: (visit.fromMs + lengthMs) * 1000 + 500,
    packets: impair(packets, NETWORK, random),
  };
}

/** The last packet is as long as it is. */
function pcmu(samples: Int16Array): Uint8Array {
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}
