import { describe, expect, test } from 'vitest';
import type { RecordingRecord } from '../core/records.ts';
import { Calls } from './calls.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const CONTAINER = 'https://account.test/box';
const WITH_SAS = `${CONTAINER}?sv=1&sig=secret`;
const MINUTE_MS = 60_000;

/** Where the recording's two files go. */
function addresses({ exportTo, documentId }: RecordingRecord): {
  content: string;
  metadata: string;
} {
  const folder = `${CONTAINER}/${exportTo?.folder ?? ''}`;
  return {
    content: `${folder}/0-audiowav.${documentId}.wav`,
    metadata: `${folder}/0-acsmetadata.${documentId}.json`,
  };
}

function chunkOfEvent(world: FakeWorld): Readonly<Record<string, unknown>> | undefined {
  const [event] = world.ledger.eventData('RecordingFileStatusUpdated');
  const info = event?.['recordingStorageInfo'] as
    { recordingChunks: readonly Readonly<Record<string, unknown>>[] } | undefined;
  return info?.recordingChunks[0];
}

async function after(world: FakeWorld, minutes: number): Promise<void> {
  for (let passed = 0; passed < minutes; passed += 1) {
    world.clock.advance(MINUTE_MS);
    await settled();
  }
}

/** Of one recording that could not be copied while it ran. */
async function unexported(failures: number): Promise<{
  call: AnsweredCall;
  world: FakeWorld;
  record: RecordingRecord;
}> {
  const call = await AnsweredCall.begin();
  call.world.render.isExported = false;
  call.world.containers.failures = failures;
  const record = await call.recorded({ containerUrl: WITH_SAS });
  return { call, world: call.world, record };
}

describe('a recording that is in its container when it ends', () => {
  test('is announced there, with its metadata beside it, under addresses without the secret', async () => {
    const call = await AnsweredCall.begin();
    const record = await call.recorded({ containerUrl: WITH_SAS });
    const { content, metadata } = addresses(record);
    expect(chunkOfEvent(call.world)).toMatchObject({
      contentLocation: content,
      metadataLocation: metadata,
      deleteLocation: content,
    });
    expect(call.world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
      storageType: 'AzureBlob',
    });
    expect(JSON.parse(call.world.containers.blobs.get(metadata) ?? '')).toMatchObject({
      chunkDocumentId: record.documentId,
    });
    expect(await call.world.ledger.exportsOf(record.recordingId)).toMatchObject([
      { documentId: record.documentId, state: 'done' },
    ]);
  });

  test('but for its metadata is announced in the built-in storage, and brought there later', async () => {
    const call = await AnsweredCall.begin();
    call.world.containers.failures = 1;
    const record = await call.recorded({ containerUrl: WITH_SAS });
    expect(chunkOfEvent(call.world)?.['contentLocation']).toBe(
      `https://recordings.test/v1/objects/${record.documentId}/content/video`,
    );
    await after(call.world, 1);
    expect([...call.world.containers.blobs.keys()].sort()).toEqual(
      Object.values(addresses(record)).sort(),
    );
  });

  test('waits no longer than ten seconds for a container that does not answer', async () => {
    const call = await AnsweredCall.begin();
    call.world.containers.gate = new Promise(() => undefined);
    const record = await call.recorded({ containerUrl: WITH_SAS });
    expect(chunkOfEvent(call.world)).toBeUndefined();
    // Others are not held up.
    const other = await call.recorded();
    expect(other.state).toBe('done');
    call.world.clock.advance(10_000);
    await settled();
    expect(await call.world.ledger.exportsOf(record.recordingId)).toMatchObject([
      { state: 'waiting' },
    ]);
  });
});

describe('a recording that is not in its container when it ends', () => {
  test('is announced in the built-in storage, and its export waits in the same commit', async () => {
    const { world, record } = await unexported(0);
    expect(world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
      storageType: 'ACS',
    });
    const kinds = world.ledger.facts.slice(-4).map((fact) => fact.kind);
    expect(kinds).toEqual(['recording', 'chunk', 'export', 'event']);
    expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([
      { state: 'waiting', nextAttemptAtMs: world.clock.nowMs() + MINUTE_MS },
    ]);
  });

  test('is copied a minute later, file and metadata', async () => {
    const { world, record } = await unexported(0);
    await after(world, 1);
    const { content, metadata } = addresses(record);
    const original = `recordings/${record.documentId}.wav`;
    expect(world.containers.blobs.get(content)).toBe(`copy of ${original}`);
    expect(world.containers.blobs.has(metadata)).toBe(true);
    expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([
      { state: 'done', attempts: 2, error: undefined },
    ]);
  });

  test('is tried again after pauses that double up to an hour, for a day, and then no more', async () => {
    const { world, record, call } = await unexported(1_000);
    const attempts: number[] = [];
    for (let minute = 0; minute <= 1_600; minute += 1) {
      const before = world.containers.failures;
      await after(world, 1);
      if (world.containers.failures < before) attempts.push(minute + 1);
    }
    expect(attempts.slice(0, 8)).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    expect(attempts.at(-1)).toBeLessThanOrEqual(1_440);
    expect(attempts.at(-1)).toBeGreaterThan(1_380);
    const [row] = await world.ledger.exportsOf(record.recordingId);
    expect(row?.state).toBe('failed');
    expect(row?.error).toContain('destination-unreachable');
    // By then the built-in copy has had its own time.
    expect((await call.row(record.recordingId)).journalRemovedAtMs).toBeDefined();
  });

  test('and is deleted meanwhile is not copied', async () => {
    const { call, world, record } = await unexported(0);
    await call.calls.content.remove(record.documentId, 'a');
    await after(world, 1);
    expect(world.containers.blobs.size).toBe(0);
    expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([
      { state: 'failed', error: 'The recording was deleted.' },
    ]);
  });

  test('is copied after a restart', async () => {
    const { world, record } = await unexported(0);
    const next = new FakeWorld();
    next.ledger.facts.push(...world.ledger.facts);
    for (const [key, text] of world.blobs.blobs) next.blobs.blobs.set(key, text);
    const calls = new Calls(next.ports, next.settings());
    await calls.start();
    await after(next, 1);
    expect(next.containers.blobs.has(addresses(record).content)).toBe(true);
    expect(await next.ledger.exportsOf(record.recordingId)).toMatchObject([{ state: 'done' }]);
  });

  test('is copied once more when the ledger does not take that it was', async () => {
    const { world, record } = await unexported(0);
    world.ledger.refusals = 1;
    await after(world, 1);
    expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([{ state: 'waiting' }]);
    await after(world, 4);
    expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([{ state: 'done' }]);
  });

  test('says why in words, without what grants access', async () => {
    const { world, record } = await unexported(0);
    const { TapedeckError } = await import('../core/error.ts');
    world.containers.copy = () =>
      Promise.reject(new TapedeckError('destination-refused', `403 for ${WITH_SAS}`));
    await after(world, 1);
    const [row] = await world.ledger.exportsOf(record.recordingId);
    expect(row?.error).toBe(`destination-refused: 403 for ${CONTAINER}?…`);
  });

  test('holds up neither the others nor the shutdown when its container hangs', async () => {
    const { call, world } = await unexported(0);
    world.containers.gate = new Promise(() => undefined);
    await after(world, 1);
    world.containers.gate = Promise.resolve();
    world.render.isExported = true;
    const record = await call.recorded({ containerUrl: WITH_SAS });
    expect(world.containers.blobs.has(addresses(record).metadata)).toBe(true);
    let isDrained = false;
    const drained = call.calls.drain(0, new AbortController().signal).then(() => {
      isDrained = true;
    });
    await world.clock.advanceWithTurns(5_000, 50);
    await settled();
    expect(isDrained).toBe(true);
    await drained;
  });
});

test('what grants access is kept as long as something is to be copied, and no longer', async () => {
  const atOnce = await AnsweredCall.begin();
  const exported = await atOnce.recorded({ containerUrl: WITH_SAS });
  expect(exported.exportTo?.containerUrl).toBe(CONTAINER);
  const { call, world, record } = await unexported(1);
  expect(record.exportTo?.containerUrl).toBe(WITH_SAS);
  await after(world, 1);
  expect((await call.row(record.recordingId)).exportTo?.containerUrl).toBe(WITH_SAS);
  await after(world, 2);
  expect((await call.row(record.recordingId)).exportTo).toEqual({
    ...record.exportTo,
    containerUrl: CONTAINER,
  });
});

test('a recording without media keeps nothing that grants access', async () => {
  const call = await AnsweredCall.begin();
  call.world.render.chunks = [];
  const record = await call.recorded({ containerUrl: WITH_SAS });
  expect(record.state).toBe('done');
  expect(record.exportTo?.containerUrl).toBe(CONTAINER);
});

test('a recording that is finished while the server starts is copied once', async () => {
  const { record } = await unexported(0);
  const next = new FakeWorld();
  next.ledger.unfinishedRecords.recordings.push({ ...record, state: 'finishing' });
  next.render.isExported = false;
  // Orphans are removed slowly: the recording is stored before its export is looked for.
  const removed = Promise.withResolvers<undefined>();
  next.disk.directories.set('/data/journals', ['orphan']);
  next.disk.remove = () => removed.promise;
  const calls = new Calls(next.ports, next.settings());
  const started = calls.start();
  await settled();
  expect(next.ledger.rows('export')).toMatchObject([{ state: 'waiting' }]);
  removed.resolve(undefined);
  await started;
  const answer = Promise.withResolvers<undefined>();
  next.containers.gate = answer.promise;
  await after(next, 1);
  expect(next.containers.copying).toBe(1);
  answer.resolve(undefined);
  await settled();
  expect(await next.ledger.exportsOf(record.recordingId)).toMatchObject([
    { state: 'done', attempts: 2 },
  ]);
});

test('a file that is deleted while it is copied gets no metadata in the container', async () => {
  const { call, world, record } = await unexported(0);
  const answer = Promise.withResolvers<undefined>();
  world.containers.gate = answer.promise;
  await after(world, 1);
  expect(world.containers.copying).toBe(1);
  await call.calls.content.remove(record.documentId, 'a');
  answer.resolve(undefined);
  await settled();
  expect(world.containers.blobs.has(addresses(record).metadata)).toBe(false);
  expect(await world.ledger.exportsOf(record.recordingId)).toMatchObject([
    { state: 'failed', error: 'The recording was deleted.' },
  ]);
});

test('more containers that hang than are tried at a time hold up the rest until they answer', async () => {
  const call = await AnsweredCall.begin();
  const { world } = call;
  world.render.isExported = false;
  const answer = Promise.withResolvers<undefined>();
  world.containers.gate = answer.promise;
  for (let count = 0; count < 6; count += 1) await call.recorded({ containerUrl: WITH_SAS });
  await after(world, 1);
  expect(world.containers.copying).toBe(4);
  answer.resolve(undefined);
  await settled();
  expect(world.ledger.rows('export').map((row) => row.state)).toEqual(Array(6).fill('done'));
});
