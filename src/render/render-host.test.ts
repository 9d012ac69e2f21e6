import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { segmentName } from '../journal/format.ts';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import { WAV_HEADER_BYTES } from '../media/wav/wav-header.ts';
import {
  generateJournal,
  JournalGenerator,
  type PlannedJournal,
} from './testing/journal-generator.ts';
import { impair, seeded, talk } from './testing/packets.ts';
import { JOB, JOURNAL_DIRECTORY, RenderSetup, type Rendered } from './testing/render-setup.ts';

const END_US = 12_345_678;

function voice(hz: number, seconds: number): Uint8Array {
  const codes = new Uint8Array(seconds * 8000);
  encodeG711('PCMU', sine({ frequencyHz: hz, amplitude: 6000 }, 8000, codes.length), codes);
  return codes;
}

/** Loss, jitter, drift, a pause and a second SSRC: whatever could make two renderings differ. */
function lively(seed: number): PlannedJournal {
  const random = seeded(seed);
  const network = { loss: 0.1, jitterUs: 80_000, reordered: 0.05, duplicated: 0.05 };
  const drifting = talk({ ssrc: 1, startUs: 20_000, driftPpm: 3000 }, voice(440, 12));
  const first = talk({ ssrc: 2, startUs: 1_500_000, sequence: 65_500 }, voice(1000, 4));
  const second = talk({ ssrc: 3, startUs: 5_600_000 }, voice(700, 6));
  return {
    directory: JOURNAL_DIRECTORY,
    streams: [
      { participantId: 'a', packets: impair(drifting, network, random) },
      { participantId: 'b', packets: impair([...first, ...second], network, random) },
    ],
    pauses: [{ fromUs: 7_000_100, toUs: 8_100_050 }],
    endUs: END_US,
  };
}

async function atOnce(plan: PlannedJournal): Promise<Rendered> {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, plan);
  return setup.finish();
}

describe('a render host', () => {
  let setup: RenderSetup;

  beforeEach(() => {
    setup = new RenderSetup();
  });

  test('gives the same bytes however the call and the trailing were interleaved', async () => {
    const whole = await atOnce(lively(5));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 3_000_000 }), fc.nat({ max: 9000 })), { maxLength: 12 }),
        async (steps) => {
          setup = new RenderSetup();
          const generator = await JournalGenerator.open(setup.disk, lively(5));
          await setup.host.follow(JOB);
          let writtenUs = 0;
          for (const [moreUs, passedMs] of steps) {
            writtenUs = Math.min(END_US, writtenUs + moreUs);
            generator.writeUntil(writtenUs);
            await setup.clock.advanceWithTurns(passedMs, 100);
          }
          await generator.finish();
          const { chunk, bytes } = await setup.finish();
          expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
          expect(chunk).toEqual(whole.chunk);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('has stored all but the last seconds when the call ends', async () => {
    const generator = await JournalGenerator.open(setup.disk, lively(1));
    await setup.host.follow(JOB);
    for (let secondUs = 1_000_000; secondUs <= 12_000_000; secondUs += 1_000_000) {
      generator.writeUntil(secondUs);
      await setup.clock.advanceWithTurns(1000, 100);
    }
    // The late window, the time to the next look, and what no tick had told of yet.
    const stored = setup.blobs.appendedBytes;
    await generator.finish();
    const { samples } = await setup.finish();
    expect(samples.byteLength - stored).toBeLessThan(6 * 32_000);
    expect(setup.clock.pendingTimers).toBe(0);
  });

  test('catches up after it did not run for ten seconds, with the same bytes', async () => {
    const whole = await atOnce(lively(2));
    const generator = await JournalGenerator.open(setup.disk, lively(2));
    await setup.host.follow(JOB);
    generator.writeUntil(1_000_000);
    await setup.clock.advanceWithTurns(1000, 100);
    generator.writeUntil(11_000_000);
    await setup.clock.advanceWithTurns(1000, 100);
    await generator.finish();
    expect(Buffer.compare((await setup.finish()).bytes, whole.bytes)).toBe(0);
  });

  test('lasts from start to end to the sample, without what was paused', async () => {
    const { chunk, samples } = await atOnce(lively(3));
    const pausedSamples = 2 * (Math.round(8_100_050 / 125) - Math.round(7_000_100 / 125));
    expect(samples.length).toBe(Math.round(END_US * 0.016) - pausedSamples);
    expect(chunk.durationMs).toBe(samples.length / 16);
    expect(chunk.pauses).toEqual([
      { startedAtMs: Date.UTC(2026, 0, 1) + 7000.1, durationMs: 1099.95 },
    ]);
  });

  test('names the SHA-256 of the samples', async () => {
    const { chunk, bytes } = await atOnce(lively(4));
    const samples = bytes.subarray(WAV_HEADER_BYTES);
    expect(chunk.sha256).toBe(createHash('sha256').update(samples).digest('hex'));
    expect(chunk.sizeBytes).toBe(bytes.length);
  });

  test('renders the journal of a writer that died up to its last record, and says what was torn', async () => {
    const plan = { ...lively(6), ended: false };
    await generateJournal(setup.disk, plan);
    const path = `${JOURNAL_DIRECTORY}/${segmentName(0)}`;
    const torn = new Uint8Array([...setup.disk.content(path)!, 1, 2, 3, 4, 5]);
    setup.disk.put(path, torn);
    const { chunk, bytes } = await setup.finish();
    expect(chunk.tornBytes).toBe(5);
    expect(Math.abs(chunk.durationMs - (END_US / 1000 - 1100))).toBeLessThan(101);
    const again = await setup.finish();
    expect(Buffer.compare(again.bytes, bytes)).toBe(0);
  });

  test('resolves with nothing for a recording without duration', async () => {
    await generateJournal(setup.disk, { directory: JOURNAL_DIRECTORY, streams: [], endUs: 0 });
    expect(await setup.host.finish(JOB)).toEqual([]);
    expect(setup.blobs.unfinished).toBe(0);
  });

  test('stores silence for a call in which nobody sent anything', async () => {
    await generateJournal(setup.disk, {
      directory: JOURNAL_DIRECTORY,
      streams: [],
      endUs: 2_000_000,
    });
    const { samples } = await setup.finish();
    expect(samples).toEqual(new Int16Array(32_000));
  });

  test('rejects when there is no journal', async () => {
    await expect(setup.host.finish(JOB)).rejects.toMatchObject({ code: 'journal-invalid' });
  });

  test('renders once more when stored samples differ, and gives up the second time', async () => {
    await generateJournal(setup.disk, lively(7));
    let failures = 1;
    setup.blobs.beforeAppend = () => {
      if (failures-- > 0) throw new TapedeckError('blob-mismatch', 'differs');
    };
    await setup.finish();
    failures = 2;
    await expect(setup.host.finish(JOB)).rejects.toMatchObject({ code: 'blob-mismatch' });
    expect(setup.blobs.unfinished).toBe(0);
  });

  test('a failure while trailing costs nothing but time', async () => {
    const whole = await atOnce(lively(8));
    const generator = await JournalGenerator.open(setup.disk, lively(8));
    await setup.host.follow(JOB);
    setup.blobs.beforeAppend = () => {
      throw new TapedeckError('disk-failed', 'full');
    };
    generator.writeUntil(6_000_000);
    await setup.clock.advanceWithTurns(8000, 100);
    expect(setup.blobs.unfinished).toBe(0);
    setup.blobs.beforeAppend = () => undefined;
    await generator.finish();
    expect(Buffer.compare((await setup.finish()).bytes, whole.bytes)).toBe(0);
  });

  test('a job that was abandoned leaves nothing, once or twice', async () => {
    const generator = await JournalGenerator.open(setup.disk, lively(9));
    await setup.host.follow(JOB);
    generator.writeUntil(5_000_000);
    await setup.clock.advanceWithTurns(8000, 100);
    await setup.host.abandon(JOB.recordingId);
    await setup.host.abandon(JOB.recordingId);
    expect(setup.blobs.unfinished).toBe(0);
    expect(setup.clock.pendingTimers).toBe(0);
  });

  test('finishing twice at once is one rendering', async () => {
    await generateJournal(setup.disk, lively(10));
    const [one, two] = await Promise.all([setup.host.finish(JOB), setup.host.finish(JOB)]);
    expect(one).toBe(two);
  });

  test('closing drops what is trailed', async () => {
    await JournalGenerator.open(setup.disk, lively(11));
    await setup.host.follow(JOB);
    await setup.host.close();
    await setup.host.close();
    expect(setup.blobs.unfinished).toBe(0);
    expect(setup.clock.pendingTimers).toBe(0);
  });

  test('a long rendering that nobody trailed lets a recording that ends meanwhile go first', async () => {
    const busy = new RenderSetup({ concurrency: 1 });
    const codes = new Uint8Array(1_000 * 8000).fill(0xff);
    await generateJournal(busy.disk, {
      directory: '/journals/long',
      streams: [{ participantId: 'a', packets: talk({ ssrc: 1, startUs: 0 }, codes) }],
      endUs: 1_000_000_000,
    });
    await generateJournal(busy.disk, lively(6));
    const done: string[] = [];
    const long = { ...JOB, journalDirectory: '/journals/long', blobDirectory: 'renderings' };
    const renderings = [
      busy.host.finish(long).then(() => done.push('long')),
      busy.host.finish(JOB).then(() => done.push('short')),
    ];
    await Promise.all(renderings);
    expect(done).toEqual(['short', 'long']);
  });
});
