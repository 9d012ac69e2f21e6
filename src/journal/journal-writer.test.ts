import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecordingId } from '../core/ids.ts';
import { DiskReserve } from './disk-reserve.ts';
import { datagram, DIRECTORY, openTestJournal, settle, STREAM } from './testing/open-journal.ts';
import { readWhole } from './testing/record-log.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

test('every kind of record is read as it was written, with times since the start', async () => {
  const { writer, disk, clock } = await openTestJournal();
  clock.advance(1);
  const at = (us: number): number => writer.startedAtUs + us;
  writer.joined(STREAM, at(1));
  const played = { telephoneEvent: undefined, comfortNoise: 13 };
  writer.joined({ ...STREAM, stream: 2, played: true, auxiliary: played }, at(2));
  writer.packet(1, at(3), Uint8Array.of(1, 2, 3));
  writer.packet(2, at(4), new Uint8Array(), true);
  writer.tone(1, at(5), 11, 160);
  writer.paused(at(6));
  writer.resumed(at(7));
  writer.anchor(1, at(8), 0xfedcba98, 0x89abcdef, at(-9));
  writer.tick(at(2 ** 40));
  writer.left(1, at(2 ** 40 + 1));
  const end = await writer.end('stopped', at(2 ** 40 + 2));
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(progress.state).toBe('ended');
  expect(log.records).toEqual([
    { type: 'joined', timeUs: 1, stream: 1, values: [STREAM] },
    {
      type: 'joined',
      timeUs: 2,
      stream: 2,
      values: [{ ...STREAM, stream: 2, played: true, auxiliary: played }],
    },
    { type: 'packet', timeUs: 3, stream: 1, values: ['010203', false] },
    { type: 'packet', timeUs: 4, stream: 2, values: ['', true] },
    { type: 'tone', timeUs: 5, stream: 1, values: [11, 160] },
    { type: 'paused', timeUs: 6 },
    { type: 'resumed', timeUs: 7 },
    { type: 'anchor', timeUs: 8, stream: 1, values: [0xfedcba98, 0x89abcdef, -9] },
    { type: 'tick', timeUs: 2 ** 40 },
    { type: 'left', timeUs: 2 ** 40 + 1, stream: 1 },
    { type: 'ended', timeUs: 2 ** 40 + 2, values: ['stopped', end.endedAtMs] },
  ]);
  expect(end.durationMs).toBe((2 ** 40 + 2) / 1000);
  expect(end.endedAtMs).toBe(writer.startedAtMs + end.durationMs);
});

test('datagrams of any size and number come back in order, whatever buffer and segment size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(65_507, 65_535)), {
        maxLength: 40,
      }),
      fc.integer({ min: 64, max: 600 }),
      fc.integer({ min: 200, max: 4000 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      async (sizes, bufferBytes, segmentBytes, pauses) => {
        const { writer, disk } = await openTestJournal({ bufferBytes, segmentBytes });
        const sent: string[] = [];
        for (const [index, size] of sizes.entries()) {
          const bytes = new Uint8Array(size).fill(index);
          writer.packet(index, writer.startedAtUs + index, bytes);
          sent.push(Buffer.from(bytes).toString('hex'));
          if (pauses[index % pauses.length] === true) {
            writer.flush();
            await settle();
          }
        }
        await writer.end('stopped', writer.startedAtUs + sizes.length);
        const { log, progress } = await readWhole(disk, DIRECTORY);
        expect(log.packets).toEqual(sent);
        expect(progress.state).toBe('ended');
      },
    ),
    { numRuns: 60 },
  );
});

test('after a tick no record has an earlier time', async () => {
  const { writer, disk } = await openTestJournal();
  const at = writer.startedAtUs;
  writer.packet(1, at + 500, datagram(1));
  writer.packet(1, at + 400, datagram(2));
  writer.tick(at + 1000);
  writer.packet(1, at + 999, datagram(3));
  writer.tick(at + 10);
  writer.packet(1, at - 5, datagram(4));
  await writer.end('stopped', at);
  const { log } = await readWhole(disk, DIRECTORY);
  expect(log.records.map(({ timeUs }) => timeUs)).toEqual([500, 400, 1000, 1000, 1000, 1000, 1000]);
});

test('a journal that was opened survives power loss', async () => {
  const { disk } = await openTestJournal();
  disk.losePower();
  const { progress } = await readWhole(disk, DIRECTORY);
  expect(progress.state).toBe('waiting');
});

test('a directory that holds a journal is refused, and the journal is left alone', async () => {
  const { writer, disk, clock } = await openTestJournal();
  writer.packet(1, 5, datagram(1));
  await writer.end('stopped', 5);
  await expect(openTestJournal({ disk, clock })).rejects.toMatchObject({ code: 'disk-failed' });
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(1);
});

test.each(['open', 'write', 'sync', 'syncDirectory'] as const)(
  'a disk that fails at %s while opening rejects with disk-failed',
  async (operation) => {
    const disk = new SimulatedDisk();
    disk.failNext(operation, 'EIO');
    await expect(openTestJournal({ disk })).rejects.toMatchObject({ code: 'disk-failed' });
  },
);

test('sync covers what was appended before it; callers that wait share one sync', async () => {
  const { writer, disk } = await openTestJournal();
  const before = disk.syncs;
  const syncs: Promise<void>[] = [];
  for (let number = 0; number < 10; number += 1) {
    writer.packet(1, number, datagram(number));
    syncs.push(writer.sync());
  }
  await Promise.all(syncs);
  expect(disk.syncs - before).toBe(2);
  disk.losePower();
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(10);
});

test('sync with nothing new does not bother the disk', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 0, datagram(1));
  await writer.sync();
  const before = disk.syncs;
  await writer.sync();
  expect(disk.syncs).toBe(before);
});

test('a full disk is reported once; what was written stays whole, and the end is added with the reserve', async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory('/data');
  const reserve = await DiskReserve.take(disk, '/data/reserve', 4096);
  const { writer, failures } = await openTestJournal({ disk, reserve });
  for (let number = 0; number < 5; number += 1) writer.packet(1, number, datagram(number, 100));
  writer.flush();
  disk.capacityBytes = disk.usedBytes + 30;
  for (let number = 5; number < 8; number += 1) writer.packet(1, number, datagram(number, 100));
  writer.flush();
  writer.packet(1, 9, datagram(9));
  writer.flush();
  await expect(writer.sync()).rejects.toMatchObject({ code: 'disk-failed' });
  expect(failures).toEqual(['ENOSPC']);
  expect(writer.failure).toBe('ENOSPC');
  expect(writer.isOpen).toBe(false);
  const end = await writer.end('disk-failed', 10);
  expect(failures).toEqual(['ENOSPC']);
  disk.losePower();
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(progress.state).toBe('ended');
  expect(log.packets).toHaveLength(8);
  expect(end.durationMs).toBe(0.007);
});

test('a full disk without a reserve leaves whole blocks, and the end tells how far they go', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1000, datagram(1));
  writer.flush();
  disk.capacityBytes = disk.usedBytes + 10;
  writer.packet(1, 2000, datagram(2));
  const end = await writer.end('stopped', 3000);
  expect(end.durationMs).toBe(1);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(progress.state).toBe('waiting');
  expect(log.packets).toHaveLength(1);
  expect(progress.position.offsetBytes).toBe(disk.content(`${DIRECTORY}/000000.tdj`)?.byteLength);
});

test('a sync that fails is reported and rejects whoever relies on it', async () => {
  const { writer, disk, failures } = await openTestJournal();
  writer.packet(1, 0, datagram(1));
  disk.failNext('sync', 'EIO');
  await expect(writer.sync()).rejects.toMatchObject({ code: 'disk-failed' });
  expect(failures).toEqual(['EIO']);
  await writer.end('disk-failed', 1);
  expect((await readWhole(disk, DIRECTORY)).progress.state).toBe('ended');
});

test('a sync that fails at the end is reported, and the journal is whole as far as the system has it', async () => {
  const { writer, disk, failures } = await openTestJournal();
  writer.packet(1, 0, datagram(1));
  disk.failNext('sync', 'EIO');
  await writer.end('stopped', 5);
  expect(failures).toEqual(['EIO']);
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(log.records.map(({ type }) => type)).toEqual(['packet', 'ended']);
  expect(progress.position.offsetBytes).toBe(disk.content(`${DIRECTORY}/000000.tdj`)?.byteLength);
});

test('a disk that fills up while a segment is changed leaves a journal that can be read to its end', async () => {
  for (let room = 0; room < 200; room += 1) {
    const { writer, disk } = await openTestJournal({ segmentBytes: 300 });
    let appended = 0;
    while (disk.usedBytes < 260) {
      writer.packet(1, appended, datagram(appended));
      appended += 1;
      writer.flush();
      await settle();
    }
    disk.capacityBytes = disk.usedBytes + room;
    for (let more = 0; more < 5 && writer.isOpen; more += 1) {
      writer.packet(1, appended, datagram(appended));
      appended += 1;
      writer.flush();
    }
    disk.capacityBytes += 100; // what a reserve gives back
    await writer.end('disk-failed', 10);
    const { log, progress } = await readWhole(disk, DIRECTORY);
    expect(progress.state).toBe('ended');
    expect(log.packets).toHaveLength(appended);
  }
});

test('end is idempotent, and nothing is appended after it', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 5, datagram(1));
  const first = writer.end('stopped', 10);
  writer.packet(1, 6, datagram(2));
  const second = writer.end('shutdown', 20);
  expect(await second).toEqual(await first);
  await writer.sync();
  const { log } = await readWhole(disk, DIRECTORY);
  expect(log.records.map(({ type }) => type)).toEqual(['packet', 'ended']);
});

test('segments follow each other, and an unused one is not left behind', async () => {
  const { writer, disk } = await openTestJournal({ segmentBytes: 1000 });
  for (let number = 0; number < 95; number += 1) {
    writer.packet(1, number, datagram(number, 20));
    writer.flush();
    await settle();
  }
  await writer.end('stopped', 100);
  const names = await disk.list(DIRECTORY);
  expect(names).toEqual(['000000.tdj', '000001.tdj', '000002.tdj', '000003.tdj']);
  for (const name of names.slice(0, -1)) {
    expect(await disk.sizeBytes(`${DIRECTORY}/${name}`)).toBeGreaterThanOrEqual(1000);
  }
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(95);
});

test('segments may change several times while one sync runs', async () => {
  const { writer, disk, failures } = await openTestJournal({ segmentBytes: 200 });
  const fill = async (): Promise<void> => {
    for (let number = 0; number < 12; number += 1) {
      writer.packet(1, number, datagram(number));
      writer.flush();
      disk.syncTurns = 1;
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    }
  };
  await fill();
  disk.syncTurns = 500;
  const synced = writer.sync();
  await Promise.resolve();
  await fill();
  await synced;
  await writer.sync();
  expect(failures).toEqual([]);
  disk.losePower();
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(24);
});

test('when no new segment can be opened the old one goes on', async () => {
  const { writer, disk, failures } = await openTestJournal({ segmentBytes: 500 });
  disk.failNext('open', 'EMFILE');
  for (let number = 0; number < 30; number += 1) {
    writer.packet(1, number, datagram(number, 20));
    writer.flush();
    await settle();
  }
  await writer.end('stopped', 100);
  expect(failures).toEqual([]);
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(30);
});

test('ids that do not fit into a header are refused', async () => {
  await expect(
    openTestJournal({ recordingId: 'x'.repeat(5000) as RecordingId }),
  ).rejects.toMatchObject({ code: 'disk-failed' });
});
