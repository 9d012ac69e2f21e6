import { beforeEach, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import type { RenderJob } from '../core/ports/render.ts';
import { FakeExports } from './testing/fake-exports.ts';
import {
  generateJournal,
  JournalGenerator,
  type PlannedJournal,
} from './testing/journal-generator.ts';
import { talk } from './testing/packets.ts';
import { JOB, JOURNAL_DIRECTORY, jobWith, RenderSetup } from './testing/render-setup.ts';
import { spoken } from './testing/spoken.ts';

const TARGET = {
  containerUrl: 'https://account.example/box?sig=secret',
  folder: '20260101/call/abc',
};
const CHUNKS = { durationMs: 3000, sizeBytes: 1e9 };

function journalOf(tonesMs: readonly (readonly [number, number])[]): PlannedJournal {
  const codes = spoken({ frequencyHz: 440, amplitude: 6000, lengthMs: 5000, tonesMs });
  return {
    directory: JOURNAL_DIRECTORY,
    streams: [{ participantId: 'a', packets: talk({ ssrc: 1, startUs: 0 }, codes) }],
    endUs: 5_000_000,
  };
}

let exports: FakeExports;
let setup: RenderSetup;

beforeEach(() => {
  exports = new FakeExports();
  setup = new RenderSetup({ exports, concurrency: 1 });
});

test('a recording is copied to its container while it grows, chunk by chunk', async () => {
  const job: RenderJob = { ...jobWith({ chunks: CHUNKS }), exportTo: TARGET };
  const generator = await JournalGenerator.open(setup.disk, journalOf([[0, 5000]]));
  await setup.host.follow(job);
  for (let untilMs = 1000; untilMs <= 4500; untilMs += 500) {
    generator.writeUntil(untilMs * 1000);
    await setup.clock.advanceWithTurns(4000, 100);
  }
  expect(exports.begun.map(({ state }) => state)).toEqual(['finishing', 'open']);
  expect(exports.begun.map(({ request }) => request)).toEqual([
    {
      target: TARGET,
      fileName: '0-audiowav.0-td-1-0.wav',
      mediaType: 'audio/wav',
      blobKey: 'recordings/0-td-1-0.wav',
      headerBytes: 44,
    },
    {
      target: TARGET,
      fileName: '1-audiowav.0-td-1-0-1.wav',
      mediaType: 'audio/wav',
      blobKey: 'recordings/0-td-1-0-1.wav',
      headerBytes: 44,
    },
  ]);
  // In mid-call, and up to all of the first chunk.
  const [first] = exports.begun;
  expect(first!.grown.length).toBeGreaterThan(2);
  expect(first!.grown.at(-1)).toBe(44 + 96_000);
  await generator.finish();
  const finishing = setup.host.finish(job);
  first!.answer(true);
  exports.begun[1]!.answer(false);
  expect((await finishing).map(({ isExported }) => isExported)).toEqual([true, false]);
});

test('a container that does not answer keeps no other recording waiting', async () => {
  await generateJournal(setup.disk, journalOf([[0, 5000]]));
  const slow: RenderJob = { ...JOB, exportTo: TARGET, blobDirectory: 'slow' };
  const finishing = setup.host.finish(slow);
  // The only buffer is free again, though the first is not done.
  expect(await setup.host.finish(JOB)).toMatchObject([{ isExported: false }]);
  expect(exports.begun.map(({ state }) => state)).toEqual(['finishing']);
  exports.begun[0]!.answer(true);
  expect(await finishing).toMatchObject([{ isExported: true }]);
});

test('the copy of a chunk that is made again is given up', async () => {
  const job: RenderJob = {
    ...jobWith({ format: { container: 'wav', channels: 'unmixed' } }),
    exportTo: TARGET,
  };
  const generator = await JournalGenerator.open(setup.disk, journalOf([[3000, 4000]]));
  await setup.host.follow(job);
  generator.writeUntil(2_500_000);
  await setup.clock.advanceWithTurns(4000, 100);
  await generator.finish();
  const finishing = setup.host.finish(job);
  await expect
    .poll(() => exports.begun.map(({ state }) => state))
    .toEqual(['aborted', 'finishing']);
  exports.begun[1]!.answer(true);
  expect(await finishing).toMatchObject([{ isExported: true }]);
});

test('a failure is told when what was stored before is copied', async () => {
  await generateJournal(setup.disk, journalOf([[0, 5000]]));
  setup.blobs.beforeAppend = () => {
    if (setup.blobs.committed.size === 2) throw new TapedeckError('disk-failed', 'full');
  };
  const states: string[] = [];
  const finishing = setup.host
    .finish({ ...jobWith({ chunks: CHUNKS }), exportTo: TARGET })
    .catch(() => states.push('failed'));
  await expect
    .poll(() => exports.begun.map(({ state }) => state))
    .toEqual(['finishing', 'aborted']);
  expect(states).toEqual([]);
  exports.begun[0]!.answer(true);
  await finishing;
  expect(states).toEqual(['failed']);
});

test('nothing is copied of a recording that has no container', async () => {
  await generateJournal(setup.disk, journalOf([]));
  expect(await setup.host.finish(JOB)).toMatchObject([{ isExported: false }]);
  expect(exports.begun).toEqual([]);
});
