import { describe, expect, test } from 'vitest';
import type { RecordingRecord } from '../core/records.ts';
import { Calls } from './calls.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const WAV_UNMIXED = { container: 'wav', channels: 'unmixed' } as const;
const NOT_FOUND = { code: 'content-not-found' };

/** What the audit says, oldest first, of deletions and their like. */
function audited(world: FakeWorld): readonly string[] {
  return world.ledger
    .rows('audit')
    .map(({ action, documentId, actor }) => `${action} ${documentId} ${actor}`);
}

function journalOf({ documentId }: RecordingRecord): string {
  return `/data/journals/${documentId}`;
}

describe('a recording that is deleted', () => {
  test('is gone with its metadata, peaks and journal, and who did it stays', async () => {
    const { world, calls, ...call } = await withRecording();
    const { documentId } = call.record;
    expect([...world.blobs.blobs.keys()]).toEqual([
      `recordings/${documentId}.wav`,
      `recordings/${documentId}.peaks.json`,
    ]);
    await calls.content.remove(documentId, 'access-key 127.0.0.1');
    expect(world.blobs.blobs.size).toBe(0);
    expect(world.disk.removed).toEqual([journalOf(call.record)]);
    expect(audited(world)).toEqual([`deleted ${documentId} access-key 127.0.0.1`]);
    const nowMs = world.clock.nowMs();
    expect(world.ledger.rows('chunk')).toMatchObject([
      { metadata: '', deletedAtMs: nowMs, purgedAtMs: nowMs },
    ]);
    expect(await world.ledger.recording(call.record.recordingId)).toMatchObject({
      journalRemovedAtMs: nowMs,
    });
  });

  test('is not found in any way after that', async () => {
    const { calls, record } = await withRecording();
    await calls.content.remove(record.documentId, 'a');
    await expect(calls.content.remove(record.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    await expect(calls.content.open(record.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    await expect(calls.content.metadata(record.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    await expect(calls.content.peaks(record.documentId)).rejects.toMatchObject(NOT_FOUND);
    await expect(calls.admin.removeRecording(record.recordingId, 'a')).rejects.toMatchObject(
      NOT_FOUND,
    );
  });

  test('twice at once is deleted once', async () => {
    const { calls, world, record } = await withRecording();
    world.pace.turns = () => 5;
    const outcomes = await Promise.allSettled([
      calls.content.remove(record.documentId, 'first'),
      calls.content.remove(record.documentId, 'second'),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(audited(world)).toHaveLength(1);
  });

  test('stays open for whoever reads it', async () => {
    const { calls, record } = await withRecording();
    const content = await calls.content.open(record.documentId, 'reader');
    await calls.content.remove(record.documentId, 'a');
    const pieces: Uint8Array[] = [];
    for await (const piece of content.range(0, content.sizeBytes - 1)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(`wav mixed of ${journalOf(record)}`);
  });

  test('is not served from a file that a download left open', async () => {
    const { calls, world, record } = await withRecording();
    const read = await calls.content.open(record.documentId, 'reader');
    await read.close();
    expect(world.blobs.open).toBe(1);
    world.blobs.stuck.add(`recordings/${record.documentId}.wav`);
    await calls.content.remove(record.documentId, 'a');
    await expect(calls.content.open(record.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    await settled();
    expect(world.blobs.open).toBe(0);
  });

  test('is there as before when the ledger refuses', async () => {
    const { calls, world, record } = await withRecording();
    world.ledger.refusals = 1;
    await expect(calls.content.remove(record.documentId, 'a')).rejects.toThrow('disk full');
    expect(JSON.parse(await calls.content.metadata(record.documentId, 'a'))).toMatchObject({
      chunkIndex: 0,
    });
    expect(world.blobs.blobs.size).toBe(2);
    await calls.content.remove(record.documentId, 'a');
  });

  test('loses its journal and its renderings with the first of its files, and keeps the others', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    world.render.chunks = [
      { ending: 'duration-limit', durationMs: 2_000 },
      { ending: 'session-ended', durationMs: 1_000 },
    ];
    const record = await call.recorded();
    const renderings = await calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin');
    expect(renderings).toHaveLength(2);
    await calls.content.remove(record.documentId, 'a');
    expect([...world.blobs.blobs.keys()]).toEqual([
      `recordings/${record.documentId}-1.wav`,
      `recordings/${record.documentId}-1.peaks.json`,
    ]);
    expect(world.disk.removed).toEqual([journalOf(record)]);
    for (const { documentId } of renderings) {
      await expect(calls.content.open(documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    }
    await expect(calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin')).rejects.toThrow(
      'deleted or has expired, and its journal with it',
    );
    await calls.content.remove(`${record.documentId}-1` as never, 'a');
    expect(world.blobs.blobs.size).toBe(0);
  });

  test('as a whole goes with every file and rendering, each in the audit', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    world.render.chunks = [
      { ending: 'duration-limit', durationMs: 2_000 },
      { ending: 'session-ended', durationMs: 1_000 },
    ];
    const { recordingId } = await call.recorded();
    await calls.admin.renderAgain(recordingId, WAV_UNMIXED, 'admin');
    await calls.admin.removeRecording(recordingId, 'admin-token');
    expect(world.blobs.blobs.size).toBe(0);
    const chunks = world.ledger.rows('chunk');
    expect(chunks).toHaveLength(4);
    expect(chunks.filter((chunk) => chunk.purgedAtMs === undefined)).toEqual([]);
    expect(audited(world).filter((row) => row.startsWith('deleted '))).toEqual(
      chunks.map((chunk) => `deleted ${chunk.documentId} admin-token`),
    );
  });

  test('while it runs or is being finished is refused', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    const finishing = Promise.withResolvers<undefined>();
    world.render.gate = finishing.promise;
    const id = await call.record();
    const conflict = { code: 'recording-conflict' };
    await expect(calls.admin.removeRecording(id, 'a')).rejects.toMatchObject(conflict);
    await calls.stopRecording(id);
    await expect(calls.admin.removeRecording(id, 'a')).rejects.toMatchObject(conflict);
    const { documentId } = await call.row(id);
    await expect(calls.content.remove(documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    finishing.resolve(undefined);
    await settled();
    await calls.admin.removeRecording(id, 'a');
    await expect(calls.admin.removeRecording('other' as never, 'a')).rejects.toMatchObject({
      code: 'recording-not-found',
    });
  });
});

describe('a removal that was cut short', () => {
  test('by a disk that refuses is completed by the next sweep, and is not found meanwhile', async () => {
    const { calls, world, record } = await withRecording();
    world.blobs.stuck.add(`recordings/${record.documentId}.wav`);
    await calls.content.remove(record.documentId, 'a');
    await expect(calls.content.open(record.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    expect(world.blobs.blobs.size).toBe(2);
    world.blobs.stuck.clear();
    world.clock.advance(60_000);
    await settled();
    expect(world.blobs.blobs.size).toBe(0);
    expect(world.disk.removed).toEqual([journalOf(record)]);
    expect(world.ledger.rows('chunk')[0]?.purgedAtMs).toBe(world.clock.nowMs());
  });
});

describe('a recording whose retention has passed', () => {
  test('is not found from that moment on, and removed by the next sweep', async () => {
    const { calls, world, record } = await withRecording();
    await calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin');
    world.clock.advance(86_400_000 - 1);
    await settled();
    await calls.content.metadata(record.documentId, 'a');
    await (await calls.content.open(record.documentId, 'a')).close();
    // To the millisecond, and between two sweeps.
    world.clock.stepWall(1);
    await expect(calls.content.open(record.documentId, 'a')).rejects.toThrow('expired');
    await expect(calls.content.metadata(record.documentId, 'a')).rejects.toThrow('expired');
    await expect(
      calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin'),
    ).rejects.toMatchObject(NOT_FOUND);
    expect(world.blobs.blobs.size).toBe(4);
    world.clock.advance(60_000);
    await settled();
    expect(world.blobs.blobs.size).toBe(0);
    expect(world.disk.removed).toEqual([journalOf(record)]);
    expect(audited(world).filter((row) => row.startsWith('expired'))).toEqual([
      `expired ${record.documentId} retention`,
      `expired ${record.documentId}-unmixed-wav retention`,
    ]);
  });

  test('is removed by the start after it', async () => {
    const { world, record } = await withRecording();
    world.clock.advance(59_000);
    world.clock.stepWall(86_400_000);
    const next = new FakeWorld();
    next.ledger.facts.push(...world.ledger.facts);
    next.clock.stepWall(2 * 86_400_000);
    await new Calls(next.ports, next.settings()).start();
    await settled();
    expect(next.disk.removed).toEqual([journalOf(record)]);
    expect(next.ledger.rows('chunk')[0]?.purgedAtMs).toBe(next.clock.nowMs());
  });

  test('keeps no other from being removed when it cannot be', async () => {
    const call = await AnsweredCall.begin();
    const { world } = call;
    const first = await call.recorded();
    const second = await call.recorded();
    world.clock.advance(86_400_000 - 60_000);
    await settled();
    world.blobs.stuck.add(`recordings/${first.documentId}.wav`);
    world.clock.advance(60_000);
    await settled();
    expect(world.disk.removed).toEqual([journalOf(second)]);
    world.blobs.stuck.clear();
    world.clock.advance(60_000);
    await settled();
    expect(world.disk.removed).toContain(journalOf(first));
  });
});

describe('the journal', () => {
  test('is kept as long as the recording, unless a setting says otherwise', async () => {
    const call = await AnsweredCall.begin();
    const record = await call.recorded();
    call.world.clock.advance(3_600_000);
    await settled();
    expect(call.world.disk.removed).toEqual([]);
    expect((await call.row(record.recordingId)).journalRemovedAtMs).toBeUndefined();
  });

  test('goes a set time after the end, and the files stay', async () => {
    const call = await AnsweredCall.begin({ keepJournalMs: 600_000 });
    const { world, calls } = call;
    const record = await call.recorded();
    world.clock.advance(540_000);
    await settled();
    expect(world.disk.removed).toEqual([]);
    world.clock.advance(120_000);
    await settled();
    expect(world.disk.removed).toEqual([journalOf(record)]);
    expect((await call.row(record.recordingId)).journalRemovedAtMs).toBeDefined();
    await (await calls.content.open(record.documentId, 'a')).close();
    await expect(calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin')).rejects.toThrow(
      'journal of this recording is not kept',
    );
  });

  test('of a recording that is not in its container yet stays', async () => {
    const call = await AnsweredCall.begin({ keepJournalMs: 0 });
    const { world } = call;
    world.render.isExported = false;
    world.containers.failures = 1;
    const record = await call.recorded({ containerUrl: 'https://account.test/box' });
    // Tried again after one minute, when it fails, and two minutes later.
    world.clock.advance(60_000);
    await settled();
    world.clock.advance(60_000);
    await settled();
    expect(world.disk.removed).toEqual([]);
    world.clock.advance(120_000);
    await settled();
    world.clock.advance(60_000);
    await settled();
    expect(world.disk.removed).toEqual([journalOf(record)]);
  });
});

async function withRecording(): Promise<{
  world: FakeWorld;
  calls: Calls;
  record: RecordingRecord;
}> {
  const call = await AnsweredCall.begin();
  const record = await call.recorded();
  return { world: call.world, calls: call.calls, record };
}
