import { beforeEach, describe, expect, test } from 'vitest';
import type { DocumentId } from '../core/ids.ts';
import { TapedeckError } from '../core/error.ts';
import type { ChunkLimits, RenderJob } from '../core/ports/render.ts';
import { Mp3Encoder } from '../media/mp3/mp3-encoder.ts';
import { WaveformPeaks } from '../media/peaks/waveform-peaks.ts';
import {
  generateJournal,
  JournalGenerator,
  type PlannedStream,
} from './testing/journal-generator.ts';
import { talk } from './testing/packets.ts';
import {
  JOB,
  JOURNAL_DIRECTORY,
  jobWith,
  renderAll,
  RenderSetup,
  UNMIXED_JOB,
} from './testing/render-setup.ts';
import { spoken, type ToneTimes } from './testing/spoken.ts';

const START_MS = Date.UTC(2026, 0, 1);
const NO_SIZE = 1_000_000_000;
const NO_DURATION = 1_000_000_000;

function chunksOf(limits: Partial<ChunkLimits>, base: RenderJob = JOB): RenderJob {
  return jobWith({ chunks: { durationMs: NO_DURATION, sizeBytes: NO_SIZE, ...limits } }, base);
}

function speaker(
  participantId: string,
  times: { readonly fromMs?: number; readonly toMs: number; readonly tonesMs: ToneTimes },
): PlannedStream {
  const { fromMs = 0, toMs, tonesMs } = times;
  const codes = spoken({ frequencyHz: 440, amplitude: 6000, lengthMs: toMs - fromMs, tonesMs });
  return {
    participantId,
    joinedUs: fromMs * 1000,
    leftUs: toMs * 1000,
    packets: talk({ ssrc: participantId.charCodeAt(0), startUs: fromMs * 1000 }, codes),
  };
}

const ALICE = speaker('alice', { toMs: 7000, tonesMs: [[500, 6500]] });

describe('a recording that is longer than a chunk', () => {
  test('is cut by duration, each chunk with its own start and ending', async () => {
    const rendered = await renderAll(
      { streams: [ALICE], endUs: 7_000_000 },
      chunksOf({ durationMs: 3000 }),
    );
    expect(rendered.map(({ chunk }) => chunk)).toMatchObject([
      {
        documentId: '0-td-1-0',
        blobKey: 'recordings/0-td-1-0.wav',
        peaksKey: 'recordings/0-td-1-0.peaks.json',
        index: 0,
        ending: 'duration-limit',
        startedAtMs: START_MS,
        durationMs: 3000,
      },
      {
        documentId: '0-td-1-0-1',
        blobKey: 'recordings/0-td-1-0-1.wav',
        index: 1,
        ending: 'duration-limit',
        startedAtMs: START_MS + 3000,
        durationMs: 3000,
      },
      {
        documentId: '0-td-1-0-2',
        index: 2,
        ending: 'session-ended',
        startedAtMs: START_MS + 6000,
        durationMs: 1000,
      },
    ]);
  });

  test('that ends exactly with a chunk has no empty one behind it', async () => {
    const rendered = await renderAll(
      { streams: [ALICE], endUs: 6_000_000 },
      chunksOf({ durationMs: 3000 }),
    );
    expect(rendered.map(({ chunk }) => [chunk.durationMs, chunk.ending])).toEqual([
      [3000, 'duration-limit'],
      [3000, 'session-ended'],
    ]);
  });

  test.each([
    ['mixed WAV', JOB],
    ['unmixed WAV', UNMIXED_JOB],
    ['MP3', jobWith({ format: { container: 'mp3', channels: 'mixed' } })],
  ])('never exceeds the size of a chunk as %s', async (_, base) => {
    for (const sizeBytes of [80_000, 80_001, 80_003, 80_107]) {
      const setup = new RenderSetup();
      const bob = speaker('bob', { toMs: 30_000, tonesMs: [[8000, 9000]] });
      await generateJournal(setup.disk, {
        directory: JOURNAL_DIRECTORY,
        streams: [ALICE, bob],
        endUs: 30_000_000,
      });
      const chunks = await setup.host.finish(chunksOf({ sizeBytes }, base));
      expect(chunks.length).toBeGreaterThan(2);
      for (const chunk of chunks) {
        const size = setup.blobs.committed.get(chunk.blobKey)?.length ?? NaN;
        expect(size).toBe(chunk.sizeBytes);
        expect(size).toBeLessThanOrEqual(sizeBytes);
        const isLast = chunk.index === chunks.length - 1;
        expect(chunk.ending).toBe(isLast ? 'session-ended' : 'size-limit');
        // And no more is wasted than a frame or two of the format.
        if (!isLast) expect(size).toBeGreaterThan(sizeBytes - 1300);
      }
    }
  });

  test('tells each pause once, with the chunk that it is in or behind', async () => {
    const pauses = [
      { fromUs: 0, toUs: 500_000 },
      { fromUs: 2_000_000, toUs: 2_250_000 },
      // The first chunk is full: 1.5 s, then 0.5 s.
      { fromUs: 2_750_000, toUs: 4_000_000 },
      { fromUs: 6_500_000, toUs: 7_000_000 },
    ];
    const [first, second, third] = await renderAll(
      { streams: [ALICE], pauses, endUs: 7_000_000 },
      chunksOf({ durationMs: 2000 }),
    );
    const told = (pause: { fromUs: number; toUs: number }): object => ({
      startedAtMs: START_MS + pause.fromUs / 1000,
      durationMs: (pause.toUs - pause.fromUs) / 1000,
    });
    expect(first?.chunk).toMatchObject({
      startedAtMs: START_MS + 500,
      pauses: pauses.slice(0, 3).map(told),
    });
    expect(second?.chunk).toMatchObject({ startedAtMs: START_MS + 4000, pauses: [] });
    expect(third?.chunk).toMatchObject({
      startedAtMs: START_MS + 6000,
      durationMs: 500,
      pauses: pauses.slice(3).map(told),
    });
  });

  test('has no file when it was paused from the start and never resumed', async () => {
    const pauses = [{ fromUs: 0, toUs: 7_000_000 }];
    for (const job of [JOB, UNMIXED_JOB]) {
      expect(await renderAll({ streams: [ALICE], pauses, endUs: 7_000_000 }, job)).toEqual([]);
    }
  });

  test('tells of a chunk who was in the call during it', async () => {
    const rendered = await renderAll(
      {
        streams: [
          ALICE,
          speaker('bob', { toMs: 1500, tonesMs: [[200, 800]] }),
          speaker('carol', { fromMs: 4500, toMs: 7000, tonesMs: [[200, 800]] }),
          speaker('bob', { fromMs: 6200, toMs: 7000, tonesMs: [] }),
        ],
        endUs: 7_000_000,
      },
      chunksOf({ durationMs: 2000 }, UNMIXED_JOB),
    );
    expect(rendered.map(({ chunk }) => chunk.participants)).toEqual([
      [
        { participantId: 'alice', channel: 1 },
        { participantId: 'bob', channel: 0 },
      ],
      [{ participantId: 'alice', channel: 1 }],
      [
        { participantId: 'alice', channel: 1 },
        { participantId: 'carol', channel: 2 },
      ],
      [
        { participantId: 'alice', channel: 1 },
        { participantId: 'bob', channel: 0 },
        { participantId: 'carol', channel: 2 },
      ],
    ]);
    expect(rendered.map(({ chunk }) => chunk.channels)).toEqual([2, 2, 3, 3]);
  });

  test('counts late packets where they are missing', async () => {
    const packets = ALICE.packets.map((packet, index) =>
      // Of 0.4 s and of 5 s, both a second and a half late.
      index === 20 || index === 250
        ? { ...packet, arrivalUs: packet.arrivalUs + 1_500_000 }
        : packet,
    );
    const rendered = await renderAll(
      { streams: [{ ...ALICE, packets }], endUs: 7_000_000 },
      chunksOf({ durationMs: 4000 }),
    );
    expect(rendered.map(({ chunk }) => chunk.latePackets)).toEqual([1, 1]);
  });

  test('has a channel for somebody who begins to speak in the last moment of a chunk', async () => {
    const bob = speaker('bob', { toMs: 7000, tonesMs: [[2950, 4000]] });
    const [first] = await renderAll(
      { streams: [ALICE, bob], endUs: 7_000_000 },
      chunksOf({ durationMs: 3000 }, UNMIXED_JOB),
    );
    expect(first?.chunk.channels).toBe(2);
    const end = first?.channels[1]?.subarray(2960 * 16) ?? new Int16Array();
    expect(Math.max(...end)).toBeGreaterThan(5000);
  });
});

describe('while the call goes on', () => {
  let setup: RenderSetup;

  beforeEach(() => {
    setup = new RenderSetup();
  });

  async function write(generator: JournalGenerator, untilMs: number): Promise<void> {
    generator.writeUntil(untilMs * 1000);
    await setup.clock.advanceWithTurns(8000, 100);
  }

  test('a chunk is there as soon as it is full, and only the last is made at the end', async () => {
    const job = chunksOf({ durationMs: 3000 });
    const generator = await JournalGenerator.open(setup.disk, {
      directory: JOURNAL_DIRECTORY,
      streams: [ALICE],
      endUs: 7_000_000,
    });
    await setup.host.follow(job);
    await write(generator, 3900);
    expect([...setup.blobs.committed.keys()]).toEqual([]);
    await write(generator, 4600);
    expect([...setup.blobs.committed.keys()].sort()).toEqual([
      'recordings/0-td-1-0.peaks.json',
      'recordings/0-td-1-0.wav',
    ]);
    await generator.finish();
    const chunks = await setup.host.finish(job);
    expect(chunks.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(setup.blobs.opened.filter((key) => key.endsWith('.wav'))).toEqual([
      'recordings/0-td-1-0.wav',
      'recordings/0-td-1-0-1.wav',
      'recordings/0-td-1-0-2.wav',
    ]);
  });

  test('only the unfinished chunk is made again for somebody who speaks late', async () => {
    const job = chunksOf({ durationMs: 2000 }, UNMIXED_JOB);
    const bob = speaker('bob', { toMs: 12_000, tonesMs: [[8500, 10_500]] });
    const generator = await JournalGenerator.open(setup.disk, {
      directory: JOURNAL_DIRECTORY,
      streams: [speaker('alice', { toMs: 12_000, tonesMs: [[0, 12_000]] }), bob],
      endUs: 12_000_000,
    });
    await setup.host.follow(job);
    await write(generator, 7000);
    const before = setup.blobs.opened.length;
    await write(generator, 11_500);
    await generator.finish();
    const chunks = await setup.finishAll(job);
    expect(chunks.map(({ channels }) => channels.length)).toEqual([1, 1, 1, 1, 2, 2]);
    expect(setup.blobs.opened.slice(before)).not.toContain('recordings/0-td-1-0-1.wav');
    expect(setup.blobs.unfinished).toBe(0);
    // From the start of the chunk on, half a second before the first word.
    const bobs = chunks[4]!.channels[1]!;
    expect(bobs.findIndex((sample) => Math.abs(sample) > 3000) / 16).toBeCloseTo(500, -1);
  });

  test('chunks that are stored stay when a later one has to be stored again', async () => {
    const job = chunksOf({ durationMs: 3000 });
    const generator = await JournalGenerator.open(setup.disk, {
      directory: JOURNAL_DIRECTORY,
      streams: [ALICE],
      endUs: 7_000_000,
    });
    await setup.host.follow(job);
    await write(generator, 4600);
    await generator.finish();
    let failures = 1;
    setup.blobs.beforeAppend = () => {
      if (failures-- > 0) throw new TapedeckError('blob-mismatch', 'differs');
    };
    const rendered = await setup.finishAll(job);
    expect(rendered.map(({ chunk }) => chunk.durationMs)).toEqual([3000, 3000, 1000]);
    const firsts = setup.blobs.opened.filter((key) => key === 'recordings/0-td-1-0.wav');
    expect(firsts).toHaveLength(1);
    const whole = await renderAll({ streams: [ALICE], endUs: 7_000_000 }, JOB);
    const joined = rendered.flatMap(({ samples }) => [...samples]);
    expect(joined.findIndex((sample, at) => sample !== whole[0]!.samples[at])).toBe(-1);
  });

  test('a recording that is abandoned leaves none of its chunks, in whatever ways it is rendered', async () => {
    const generator = await JournalGenerator.open(setup.disk, {
      directory: JOURNAL_DIRECTORY,
      streams: [ALICE],
      endUs: 7_000_000,
    });
    const job = chunksOf({ durationMs: 2000 });
    const other = { ...job, blobDirectory: 'renderings' };
    const stays = { ...job, recordingId: 'other' as never, documentId: 'other' as DocumentId };
    await setup.host.follow(job);
    await setup.host.follow(other);
    await setup.host.follow(stays);
    await write(generator, 6000);
    expect(setup.blobs.committed.size).toBe(12);
    await setup.host.abandon(job.recordingId);
    expect([...setup.blobs.committed.keys()].every((key) => key.includes('other'))).toBe(true);
    expect(setup.blobs.unfinished).toBe(1);
    await setup.host.close();
    expect(setup.blobs.unfinished).toBe(0);
  });
});

test('a finished recording is rendered in two other ways at a time', async () => {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [ALICE],
    endUs: 7_000_000,
  });
  const unmixed = { ...UNMIXED_JOB, blobDirectory: 'one' };
  const mp3: RenderJob = {
    ...jobWith({ format: { container: 'mp3', channels: 'mixed' } }),
    blobDirectory: 'two',
  };
  const chunks = await Promise.all([JOB, unmixed, mp3].map((job) => setup.host.finish(job)));
  expect(chunks.flat().map(({ blobKey }) => blobKey)).toEqual([
    'recordings/0-td-1-0.wav',
    'one/0-td-1-0.wav',
    'two/0-td-1-0.mp3',
  ]);
});

test('an MP3 of several channels is refused', async () => {
  const setup = new RenderSetup();
  const job = jobWith({ format: { container: 'mp3', channels: 'unmixed' } });
  await expect(setup.host.finish(job)).rejects.toMatchObject({ code: 'internal' });
});

test('each chunk has the peaks of its samples', async () => {
  const setup = new RenderSetup();
  const bob = speaker('bob', { toMs: 7000, tonesMs: [[1000, 2000]] });
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [ALICE, bob],
    endUs: 7_000_000,
  });
  const rendered = await setup.finishAll(chunksOf({ durationMs: 4000 }, UNMIXED_JOB));
  for (const { chunk, samples } of rendered) {
    const peaks = new WaveformPeaks(2, 16_000);
    peaks.process(samples, 0, samples.length);
    const stored = Buffer.from(setup.blobs.committed.get(chunk.peaksKey)!).toString();
    expect(stored).toBe(peaks.toJson());
  }
});

test('each chunk of an MP3 is a file of its own, of the samples that the WAV has', async () => {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [ALICE],
    endUs: 7_000_000,
  });
  const limits = { durationMs: 3000 };
  const wavs = await setup.finishAll(chunksOf(limits));
  const job = chunksOf(limits, jobWith({ format: { container: 'mp3', channels: 'mixed' } }));
  const mp3s = await setup.host.finish(job);
  expect(mp3s.map(({ durationMs }) => durationMs)).toEqual([3000, 3000, 1000]);
  for (const { index, blobKey, bitRate, channels } of mp3s) {
    expect({ bitRate, channels }).toEqual({ bitRate: 48_000, channels: 1 });
    const encoder = await Mp3Encoder.create();
    const samples = wavs[index]!.samples;
    const audio = encoder.encode(samples, 0, samples.length).slice();
    const rest = encoder.finish().slice();
    const expected = Buffer.concat([encoder.header(), audio, rest]);
    encoder.close();
    expect(Buffer.compare(setup.blobs.committed.get(blobKey)!, expected)).toBe(0);
  }
  // The same once more, and by a rendering that followed the call.
  const before = mp3s.map(({ blobKey }) => setup.blobs.committed.get(blobKey)!);
  expect(await setup.host.finish(job)).toEqual(mp3s);
  const later = new RenderSetup();
  const generator = await JournalGenerator.open(later.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: [ALICE],
    endUs: 7_000_000,
  });
  await later.host.follow(job);
  for (let untilMs = 700; untilMs < 7000; untilMs += 900) {
    generator.writeUntil(untilMs * 1000);
    await later.clock.advanceWithTurns(4000, 100);
  }
  await generator.finish();
  expect(await later.host.finish(job)).toEqual(mp3s);
  mp3s.forEach(({ blobKey }, index) => {
    expect(Buffer.compare(setup.blobs.committed.get(blobKey)!, before[index]!)).toBe(0);
    expect(Buffer.compare(later.blobs.committed.get(blobKey)!, before[index]!)).toBe(0);
  });
});
