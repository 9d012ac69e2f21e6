import { expect, test } from 'vitest';
import type { Fact } from '../core/ports/ledger.ts';
import { Calls } from './calls.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const WAV_UNMIXED = { container: 'wav', channels: 'unmixed' } as const;

/** What a process that dies leaves. */
type Left = {
  readonly facts: readonly Fact[];
  readonly blobs: ReadonlyMap<string, string>;
  readonly journals: readonly string[];
};

/** The world at every step of what happens to its ledger and its files. */
function steps(world: FakeWorld, journals: Set<string>): readonly Left[] {
  const left: Left[] = [];
  const note = (): void => {
    left.push({
      facts: [...world.ledger.facts],
      blobs: new Map(world.blobs.blobs),
      journals: [...journals],
    });
  };
  const { ledger, blobs, disk } = world;
  const commit = ledger.commit.bind(ledger);
  ledger.commit = async (facts) => {
    note();
    await commit(facts);
    note();
  };
  const removeBlob = blobs.remove.bind(blobs);
  blobs.remove = async (key) => {
    await removeBlob(key);
    note();
  };
  const removeDirectory = disk.remove.bind(disk);
  disk.remove = async (path) => {
    journals.delete(path.slice(path.lastIndexOf('/') + 1));
    await removeDirectory(path);
    note();
  };
  return left;
}

/** The next process on what the one before left. */
async function startedOn({ facts, blobs, journals }: Left): Promise<{
  world: FakeWorld;
  calls: Calls;
}> {
  const world = new FakeWorld();
  world.ledger.facts.push(...facts);
  for (const [key, text] of blobs) world.blobs.blobs.set(key, text);
  world.disk.directories.set('/data/journals', journals);
  const calls = new Calls(world.ports, world.settings());
  await calls.start();
  await settled();
  return { world, calls };
}

test('a removal that dies at whatever step is whole after the next start, or did not begin', async () => {
  const call = await AnsweredCall.begin();
  call.world.render.chunks = [
    { ending: 'size-limit', durationMs: 2_000 },
    { ending: 'session-ended', durationMs: 1_000 },
  ];
  const { recordingId, documentId } = await call.recorded();
  await call.calls.admin.renderAgain(recordingId, WAV_UNMIXED, 'tester');
  const kept = [`recordings/${documentId}-1.wav`, `recordings/${documentId}-1.peaks.json`];
  const journals = new Set<string>([documentId]);
  const all = new Set(call.world.blobs.blobs.keys());
  const left = steps(call.world, journals);
  await call.calls.content.remove(documentId, 'tester');
  // Both commits, eight files at least, and the journal.
  expect(left.length).toBeGreaterThan(12);
  let began = 0;
  for (const remains of left) {
    const { world, calls } = await startedOn(remains);
    const chunk = await world.ledger.chunk(documentId);
    if (chunk?.deletedAtMs === undefined) {
      expect(new Set(world.blobs.blobs.keys())).toEqual(all);
      expect(world.disk.removed).toEqual([]);
      continue;
    }
    began += 1;
    expect([...world.blobs.blobs.keys()].sort()).toEqual([...kept].sort());
    if (remains.journals.length > 0) {
      expect(world.disk.removed).toContain(`/data/journals/${documentId}`);
    }
    const unpurged = world.ledger
      .rows('chunk')
      .filter((row) => row.deletedAtMs !== undefined && row.purgedAtMs === undefined);
    expect(unpurged).toEqual([]);
    await expect(calls.content.open(documentId, 'a')).rejects.toMatchObject({
      code: 'content-not-found',
    });
    const audit = world.ledger.rows('audit').filter((row) => row.documentId === documentId);
    expect(audit).toMatchObject([{ action: 'deleted', actor: 'tester' }]);
  }
  expect(began).toBe(left.length - 1);
});

test('files of a rendering that a crash kept from being announced go with the recording', async () => {
  const call = await AnsweredCall.begin();
  const { world, calls } = call;
  const { recordingId, documentId } = await call.recorded();
  world.render.chunks = [
    { ending: 'size-limit', durationMs: 2_000 },
    { ending: 'session-ended', durationMs: 1_000 },
  ];
  const rendered = await calls.admin.renderAgain(recordingId, WAV_UNMIXED, 'tester');
  const facts = world.ledger.facts.filter(
    (fact) => fact.kind !== 'chunk' || fact.record.purpose !== 'rendering',
  );
  const next = await startedOn({ facts, blobs: world.blobs.blobs, journals: [documentId] });
  expect(next.world.blobs.blobs.has(rendered[1]?.blobKey ?? '')).toBe(true);
  await next.calls.content.remove(documentId, 'tester');
  expect(next.world.blobs.blobs.size).toBe(0);
});

test('a journal whose time is over goes with the next start when a crash came before its removal', async () => {
  const call = await AnsweredCall.begin({ keepJournalMs: 0 });
  const { documentId, recordingId } = await call.recorded();
  const journals = new Set<string>([documentId]);
  const left = steps(call.world, journals);
  call.world.clock.advance(60_000);
  await settled();
  expect(left).toHaveLength(3);
  for (const remains of left.slice(1)) {
    const { world } = await startedOn(remains);
    const { journalRemovedAtMs } = (await world.ledger.recording(recordingId)) ?? {};
    expect(journalRemovedAtMs).toBeDefined();
    expect(world.disk.removed).toEqual(
      remains.journals.map((journal) => `/data/journals/${journal}`),
    );
  }
});

test('what a render worker left unfinished when it died goes with the recording', async () => {
  const call = await AnsweredCall.begin();
  const { world, calls } = call;
  const { documentId } = await call.recorded();
  const made = `renderings/wav-unmixed/${documentId}-unmixed-wav`;
  world.blobs.blobs.set(`${made}.wav`, 'the first file');
  world.blobs.unfinished.set(`${made}-1.wav`, 'the second');
  world.blobs.unfinished.set(`${made}-2.wav`, 'the third');
  await calls.content.remove(documentId, 'a');
  expect([...world.blobs.blobs.keys(), ...world.blobs.unfinished.keys()]).toEqual([]);
  expect(world.blobs.open).toBe(0);
});
