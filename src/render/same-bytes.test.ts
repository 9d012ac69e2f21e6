import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChannelPlan, ChunkLimits, RenderJob } from '../core/ports/render.ts';
import type { RenderHostOptions } from './render-host.ts';
import { EnergyDetector } from './testing/energy-detector.ts';
import {
  generateJournal,
  JournalGenerator,
  type PlannedJournal,
} from './testing/journal-generator.ts';
import type { TestFormat } from './testing/encoded-talk.ts';
import { CALL_SHAPE, callOf } from './testing/random-call.ts';
import {
  JOB,
  JOURNAL_DIRECTORY,
  jobWith,
  RenderSetup,
  renderAll,
  UNMIXED_JOB,
  type Rendered,
} from './testing/render-setup.ts';

const CHANNELS: fc.Arbitrary<ChannelPlan> = fc.record({
  limit: fc.integer({ min: 1, max: 4 }),
  pinned: fc.constantFrom(
    [],
    [{ participantId: 'p1', channel: 0 }],
    [{ participantId: 'nobody', channel: 0 }],
  ),
  overflow: fc.constantFrom('leave-out' as const, 'last-channel' as const),
  played: fc.constantFrom('leave-out' as const, 'own-channel' as const),
});

const CHUNKS: fc.Arbitrary<ChunkLimits> = fc.record({
  durationMs: fc.constantFrom(1000, 1501, 2750, 4000, 100_000),
  sizeBytes: fc.constantFrom(50_001, 90_000, 150_000, 1_000_000_000),
});

/** Whose sound is played: nobody of the call. */
const APPLICATION = 'application';

const WHOLE: ChunkLimits = { durationMs: 1e9, sizeBytes: 1e9 };

/** The call goes on and is trailed meanwhile. */
async function trailed(
  plan: Omit<PlannedJournal, 'directory'>,
  job: RenderJob,
  steps: readonly (readonly [number, number])[],
  options: Partial<RenderHostOptions> = {},
): Promise<readonly Rendered[]> {
  const setup = new RenderSetup(options);
  const generator = await JournalGenerator.open(setup.disk, {
    ...plan,
    directory: JOURNAL_DIRECTORY,
  });
  await setup.host.follow(job);
  let writtenUs = 0;
  for (const [moreUs, passedMs] of steps) {
    writtenUs = Math.min(plan.endUs, writtenUs + moreUs);
    generator.writeUntil(writtenUs);
    await setup.clock.advanceWithTurns(passedMs, 100);
  }
  await generator.finish();
  const rendered = await setup.finishAll(job);
  expect(setup.blobs.unfinished).toBe(0);
  return rendered;
}

function expectSame(actual: readonly Rendered[], expected: readonly Rendered[]): void {
  expect(actual.map(({ chunk }) => chunk)).toEqual(expected.map(({ chunk }) => chunk));
  actual.forEach(({ bytes }, index) => {
    expect(Buffer.compare(bytes, expected[index]!.bytes)).toBe(0);
  });
}

/** The chunks of a call follow each other without a seam, and keep their limits. */
function expectSeamless(chunks: readonly Rendered[], whole: Rendered, limits: ChunkLimits): void {
  let frame = 0;
  chunks.forEach(({ chunk, channels, bytes }, index) => {
    const frames = channels[0]!.length;
    channels.forEach((samples, channel) => {
      // Who speaks for the first time later on is not in the chunks before.
      const heardLater = whole.chunk.participants.some(
        (late) =>
          late.channel === channel &&
          chunk.participants.some(
            (each) => each.participantId === late.participantId && each.channel !== channel,
          ),
      );
      if (heardLater) return;
      // What is played stands behind everybody who has a channel, so it may stand further back in the whole.
      const isPlayed = chunk.participants.some(
        (each) => each.participantId === APPLICATION && each.channel === channel,
      );
      const place = isPlayed ? channelOf(whole, APPLICATION) : channel;
      const expected = whole.channels[place]!.subarray(frame, frame + frames);
      expect(samples.findIndex((sample, at) => sample !== expected[at])).toBe(-1);
    });
    expect(frames).toBeGreaterThan(0);
    expect(chunk.index).toBe(index);
    expect(chunk.sizeBytes).toBe(bytes.length);
    expect(chunk.durationMs).toBeLessThanOrEqual(limits.durationMs);
    const isLast = index === chunks.length - 1;
    expect(chunk.ending === 'session-ended').toBe(isLast);
    frame += frames;
  });
  expect(frame).toBe(whole.channels[0]!.length);
}

function channelOf({ chunk }: Rendered, participantId: string): number {
  return chunk.participants.find((each) => each.participantId === participantId)?.channel ?? -1;
}

const STEPS = fc.array(fc.tuple(fc.nat({ max: 3_000_000 }), fc.nat({ max: 9000 })), {
  maxLength: 8,
});

/** Of the visits of a call, by turns. */
const FORMATS = fc.constantFrom<readonly TestFormat[]>(
  ['PCMU'],
  ['opus'],
  ['G722', 'PCMU'],
  ['L16', 'opus', 'PCMA', 'G722', 'L16-8'],
);

describe('any call', () => {
  test('unmixed, gives the same files whether it was trailed or rendered at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        CALL_SHAPE,
        CHANNELS,
        CHUNKS,
        STEPS,
        // Frames of sound that are taken for speech: by all, by some, by nobody.
        fc.constantFrom(5, 50, 10_000),
        FORMATS,
        async (shape, channels, chunks, steps, frames, formats) => {
          const call = callOf(shape, formats);
          // What the server plays is a source among others.
          const streams = call.streams.map((stream, index) =>
            index === 0 && frames === 50
              ? { ...stream, participantId: APPLICATION, played: true }
              : stream,
          );
          const plan = { ...call, streams };
          const job = jobWith({ channels, chunks }, UNMIXED_JOB);
          const options = { newDetector: () => new EnergyDetector(frames) };
          const atOnce = await renderAll(plan, job, options);
          expectSame(await trailed(plan, job, steps, options), atOnce);
          const entire = jobWith({ channels, chunks: WHOLE }, UNMIXED_JOB);
          const [whole] = await renderAll(plan, entire, options);
          if (whole !== undefined) expectSeamless(atOnce, whole, chunks);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('mixed, gives the same files whether it was trailed or rendered at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        CALL_SHAPE,
        CHUNKS,
        STEPS,
        FORMATS,
        async (shape, chunks, steps, formats) => {
          const plan = callOf(shape, formats);
          const job = jobWith({ chunks });
          const atOnce = await renderAll(plan, job);
          expectSame(await trailed(plan, job, steps), atOnce);
          const [whole] = await renderAll(plan, JOB);
          if (whole !== undefined) expectSeamless(atOnce, whole, chunks);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('gives the same files when it is rendered again by the same host', async () => {
    await fc.assert(
      fc.asyncProperty(CALL_SHAPE, CHUNKS, FORMATS, async (shape, chunks, formats) => {
        const plan = callOf(shape, formats);
        const job = jobWith({ chunks }, UNMIXED_JOB);
        const setup = new RenderSetup();
        await generateJournal(setup.disk, { ...plan, directory: JOURNAL_DIRECTORY });
        const first = await setup.finishAll(job);
        expectSame(await setup.finishAll(job), first);
      }),
      { numRuns: 10 },
    );
  });
});
