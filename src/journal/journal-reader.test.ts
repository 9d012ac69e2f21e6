import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentName } from './format.ts';
import { JournalReader } from './journal-reader.ts';
import { encodeHeader } from './segment-header.ts';
import { datagram, DIRECTORY, openTestJournal, settle } from './testing/open-journal.ts';
import { readWhole, RecordLog } from './testing/record-log.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

test('a reader that follows a living journal sees what was flushed, and nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('packet', 'flush', 'read', 'turns'), { maxLength: 100 }),
      fc.integer({ min: 150, max: 1500 }),
      fc.integer({ min: 1, max: 400 }),
      async (steps, segmentBytes, maxBytes) => {
        const { writer, disk } = await openTestJournal({ segmentBytes });
        const reader = await JournalReader.open({ disk, directory: DIRECTORY });
        const log = new RecordLog();
        let packets = 0;
        let flushed = 0;
        for (const step of steps) {
          if (step === 'packet') {
            writer.packet(1, packets, datagram(packets));
            packets += 1;
          } else if (step === 'flush') {
            writer.flush();
            flushed = packets;
          } else if (step === 'turns') {
            await settle();
          } else {
            let progress = await reader.readMore(log, { maxBytes });
            while (progress.state === 'more') progress = await reader.readMore(log, { maxBytes });
            expect(progress.state).toBe('waiting');
            expect(log.packets).toHaveLength(flushed);
          }
        }
        await writer.end('stopped', packets);
        expect((await reader.readMore(log)).state).toBe('ended');
        expect((await reader.readMore(log)).state).toBe('ended');
        expect(log.packets).toEqual(
          Array.from({ length: packets }, (_, i) => Buffer.from(datagram(i)).toString('hex')),
        );
        await reader.close();
      },
    ),
    { numRuns: 100 },
  );
});

test('an incomplete block at the end means that more may come, at every length', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1, datagram(1));
  writer.flush();
  const whole = disk.content(`${DIRECTORY}/${segmentName(0)}`) ?? new Uint8Array();
  const headerBytes = Buffer.from(whole).readUInt32LE(12);
  for (let bytes = headerBytes; bytes < whole.byteLength; bytes += 1) {
    const growing = new SimulatedDisk();
    growing.put(`${DIRECTORY}/${segmentName(0)}`, whole.subarray(0, bytes));
    const log = new RecordLog();
    const reader = await JournalReader.open({ disk: growing, directory: DIRECTORY });
    expect((await reader.readMore(log)).state).toBe('waiting');
    const file = await growing.open(`${DIRECTORY}/${segmentName(0)}`, 'update');
    await file.write(whole.subarray(bytes), bytes);
    expect((await reader.readMore(log)).state).toBe('waiting');
    expect(log.packets).toHaveLength(1);
    await reader.close();
  }
});

test('damage is told with its place, after everything before it was given', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1, datagram(1));
  writer.flush();
  const before = (await disk.sizeBytes(`${DIRECTORY}/${segmentName(0)}`)) ?? 0;
  writer.packet(1, 2, datagram(2));
  await writer.end('stopped', 3);
  const content = disk.content(`${DIRECTORY}/${segmentName(0)}`) ?? new Uint8Array();
  content[before + 20] = (content[before + 20] ?? 0) ^ 1;
  disk.put(`${DIRECTORY}/${segmentName(0)}`, content);
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(log.packets).toHaveLength(1);
  expect(progress).toEqual({
    state: 'damaged',
    defect: 'block-crc',
    position: { segment: 0, offsetBytes: before },
  });
});

test('a segment of another recording does not continue this one', async () => {
  const { writer, disk } = await openTestJournal({ segmentBytes: 200 });
  for (let number = 0; number < 8; number += 1) {
    writer.packet(1, number, datagram(number));
    writer.flush();
    await settle();
  }
  expect(await disk.sizeBytes(`${DIRECTORY}/${segmentName(1)}`)).toBeGreaterThan(0);
  disk.put(
    `${DIRECTORY}/${segmentName(1)}`,
    encodeHeader({
      segment: 1,
      previousCrc: 0,
      previousBytes: 0,
      startedWallUs: 0,
      startedMonotonicUs: 0,
      recordingId: 'another',
      nodeId: 'node-1',
    }),
  );
  const { progress } = await readWhole(disk, DIRECTORY);
  expect(progress).toMatchObject({ state: 'damaged', defect: 'wrong-segment' });
});

test('a segment that followed other content of the same size does not continue this one', async () => {
  const disks: SimulatedDisk[] = [];
  for (const first of [1, 2]) {
    const { writer, disk } = await openTestJournal({ segmentBytes: 200 });
    for (let number = 0; number < 8; number += 1) {
      writer.packet(1, number, datagram(first));
      writer.flush();
      await settle();
    }
    disks.push(disk);
  }
  const [one, other] = disks;
  const second = `${DIRECTORY}/${segmentName(1)}`;
  one!.put(second, other!.content(second)!);
  const { progress } = await readWhole(one!, DIRECTORY);
  expect(progress).toMatchObject({ state: 'damaged', defect: 'wrong-segment' });
});

test('records of unknown types are skipped by their length and reported', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 5, datagram(1));
  writer.packet(1, 6, datagram(2));
  writer.flush();
  // Makes the first packet a record of type 200, with the CRC that its writer would have given.
  const content = Buffer.from(disk.content(`${DIRECTORY}/${segmentName(0)}`) ?? []);
  const headerBytes = content.readUInt32LE(12);
  content.writeUInt8(200, headerBytes + 8 + 2);
  const { crc32 } = await import('node:zlib');
  const seed = content.readUInt32LE(headerBytes - 4);
  content.writeUInt32LE(crc32(content.subarray(headerBytes + 4), seed), headerBytes);
  disk.put(`${DIRECTORY}/${segmentName(0)}`, content);
  const { log } = await readWhole(disk, DIRECTORY);
  expect(log.records).toMatchObject([
    { type: 'unknown 200', timeUs: 5 },
    { type: 'packet', timeUs: 6 },
  ]);
});

test('what is not a journal is refused by name', async () => {
  const disk = new SimulatedDisk();
  const open = (): Promise<unknown> => JournalReader.open({ disk, directory: DIRECTORY });
  await expect(open()).rejects.toMatchObject({ code: 'journal-invalid' });
  disk.put(`${DIRECTORY}/${segmentName(0)}`, Buffer.from('RIFF and other things'));
  await expect(open()).rejects.toThrow('not-a-journal');
  disk.failNext('read', 'EIO');
  await expect(open()).rejects.toMatchObject({ code: 'disk-failed' });
});

test('a read that fails can be repeated', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1, datagram(1));
  writer.flush();
  const log = new RecordLog();
  const reader = await JournalReader.open({ disk, directory: DIRECTORY });
  disk.failNext('read', 'EIO');
  await expect(reader.readMore(log)).rejects.toMatchObject({ code: 'disk-failed' });
  await reader.readMore(log);
  expect(log.packets).toHaveLength(1);
  await reader.close();
  await reader.close();
});

test('a packet is seen in the buffer that is reused, without a copy', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1, datagram(1));
  writer.packet(1, 2, datagram(2));
  writer.flush();
  const seen = new Set<Uint8Array>();
  const log = new RecordLog();
  log.packet = (_stream, _timeUs, bytes) => void seen.add(bytes);
  const reader = await JournalReader.open({ disk, directory: DIRECTORY });
  await reader.readMore(log);
  expect(seen.size).toBe(1);
});
