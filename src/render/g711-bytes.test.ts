import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { RenderJob } from '../core/ports/render.ts';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import type { PlannedJournal } from './testing/journal-generator.ts';
import { impair, seeded, talk, type PlannedPacket } from './testing/packets.ts';
import { callOf, type CallShape } from './testing/random-call.ts';
import { jobWith, render, renderAll, UNMIXED_JOB } from './testing/render-setup.ts';

/**
 * What recordings of G.711 alone have been since their first release, byte for byte: rendering a kept
 * journal once more gives the file that somebody has the checksum of.
 */

function shapeOf(seed: number): CallShape {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    visits: Array.from({ length: 1 + below(6) }, () => ({
      who: below(5),
      fromMs: below(8500),
      lengthMs: 300 + below(8700),
      bursts: Array.from({ length: below(4) }, () => ({
        atMs: below(9000),
        lengthMs: 30 + below(670),
      })),
    })),
    pausesMs: Array.from({ length: below(5) }, () => 1 + below(8998)),
    endMs: 4000 + below(5000),
    seed,
  };
}

/** Of all files that the calls of forty seeds give, in order. */
async function digestOf(job: RenderJob): Promise<string> {
  const hash = createHash('sha256');
  for (let seed = 1; seed <= 40; seed += 1) {
    const plan: Omit<PlannedJournal, 'directory'> = callOf(shapeOf(seed));
    for (const { bytes, chunk } of await renderAll(plan, job)) {
      hash.update(JSON.stringify([chunk.durationMs, chunk.participants, chunk.latePackets]));
      hash.update(bytes);
    }
  }
  return hash.digest('hex');
}

const CHUNKS = { durationMs: 2750, sizeBytes: 150_000 };

test.each([
  ['mixed', jobWith({}), '58712c61b65c995d877f599873c1ee91b86b8a36a7f7ff669a0b6d4088f5cb83'],
  [
    'mixed, in chunks',
    jobWith({ chunks: CHUNKS }),
    '662e7db9dc422829929d9b8cf3e6d93a780dca904fad40dcb0ff1c836bfe53c4',
  ],
  ['unmixed', UNMIXED_JOB, 'b2452c08747afb1412e66f3c3fe4fe2ab5f9bc062f08c3a7c78e729b56329570'],
  [
    'unmixed, in chunks, with a pinned participant and too many others',
    jobWith(
      {
        chunks: CHUNKS,
        channels: {
          limit: 3,
          pinned: [{ participantId: 'p1', channel: 0 }],
          overflow: 'last-channel',
        },
      },
      UNMIXED_JOB,
    ),
    'ac08ed78212020347e5cf1a0d0e580500501ac9b5de07ba2de43972664ed5446',
  ],
])(
  'a recording of G.711 alone, %s, has the bytes that it always had',
  async (_what, job, digest) => {
    expect(await digestOf(job)).toBe(digest);
  },
);

const PCMA = { codec: 'PCMA', clockRateHz: 8000, payloadType: 8 } as const;

function drifting(ssrc: number, driftPpm: number, frequencyHz: number): PlannedPacket[] {
  const codes = new Uint8Array(40 * 8000);
  encodeG711('PCMA', sine({ frequencyHz, amplitude: 9000 }, 8000, codes.length), codes);
  const network = { loss: 0.03, jitterUs: 30_000, reordered: 0.02, duplicated: 0.02 };
  const sent = talk({ ssrc, startUs: 0, driftPpm, payloadType: 8 }, codes);
  return impair(sent, network, seeded(ssrc));
}

test('a recording whose clocks drift has the bytes that it always had', async () => {
  const { bytes } = await render({
    streams: [
      { participantId: 'a', format: PCMA, packets: drifting(1, 450, 440) },
      { participantId: 'b', format: PCMA, packets: drifting(2, -400, 1000) },
    ],
    endUs: 40_000_000,
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  expect(digest).toBe('ab5d5b0deef14e7159485ea3da0af74a1215c8c1b974afb4f3eaa5176ecaa448');
});
