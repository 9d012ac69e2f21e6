import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from 'node:zlib';
import { segmentName } from './format.ts';
import { recoverJournal } from './recover-journal.ts';
import { encodeHeader } from './segment-header.ts';
import { datagram, DIRECTORY, openTestJournal, settle, STREAM } from './testing/open-journal.ts';
import { readWhole } from './testing/record-log.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

const PACKETS_PER_BLOCK = 2;

/** Files of a journal of two segments, and where each block of the last one begins. */
async function twoSegments(): Promise<{
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly last: Uint8Array;
  readonly blockStarts: readonly number[];
  readonly packetsBefore: number;
}> {
  const { writer, disk } = await openTestJournal({ segmentBytes: 600 });
  let packets = 0;
  const lastBytes = async (): Promise<number> =>
    (await disk.sizeBytes(`${DIRECTORY}/${segmentName(1)}`)) ?? 0;
  const writeBlock = async (): Promise<void> => {
    for (let i = 0; i < PACKETS_PER_BLOCK; i += 1) {
      writer.packet(1, packets, datagram(packets));
      packets += 1;
    }
    writer.flush();
    await settle();
  };
  writer.joined(STREAM, 0);
  while ((await lastBytes()) === 0) await writeBlock();
  const packetsBefore = packets;
  const blockStarts: number[] = [];
  while (blockStarts.length < 5) {
    blockStarts.push(await lastBytes());
    await writeBlock();
  }
  const files = new Map<string, Uint8Array>();
  for (const name of await disk.list(DIRECTORY)) {
    const content = disk.content(`${DIRECTORY}/${name}`);
    if (content !== undefined && content.byteLength > 0) files.set(name, content);
  }
  const last = files.get(segmentName(1));
  if (last === undefined || files.size !== 2) throw new Error('the journal is not as planned');
  return { files, last, blockStarts, packetsBefore };
}

function diskWith(files: ReadonlyMap<string, Uint8Array>, last: Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk();
  for (const [name, content] of files) disk.put(`${DIRECTORY}/${name}`, content);
  disk.put(`${DIRECTORY}/${segmentName(1)}`, last);
  return disk;
}

async function expectPrefix(disk: SimulatedDisk, packets: number): Promise<void> {
  const { log, progress } = await readWhole(disk, DIRECTORY);
  expect(progress.state).toBe('waiting');
  expect(log.packets).toEqual(
    Array.from({ length: packets }, (_, number) => Buffer.from(datagram(number)).toString('hex')),
  );
}

test('the last segment cut at every byte gives the blocks before the cut, and the rest is kept aside', async () => {
  const { files, last, blockStarts, packetsBefore } = await twoSegments();
  expect(blockStarts.length).toBeGreaterThanOrEqual(3);
  const ends = [...blockStarts.slice(1), last.byteLength];
  for (let cut = 0; cut < last.byteLength; cut += 1) {
    const disk = diskWith(files, last.subarray(0, cut));
    const recovered = await recoverJournal(DIRECTORY, disk);
    const wholeBlocks = ends.filter((end) => end <= cut).length;
    const kept = cut < (blockStarts[0] ?? 0) ? 0 : (ends[wholeBlocks - 1] ?? blockStarts[0] ?? 0);
    expect(recovered).toMatchObject({ state: 'unended', cutBytes: cut - kept });
    await expectPrefix(disk, packetsBefore + PACKETS_PER_BLOCK * wholeBlocks);
    const torn = disk.content(`${DIRECTORY}/${segmentName(1)}.torn`) ?? new Uint8Array();
    expect(torn).toEqual(last.slice(kept, cut));
    expect(await recoverJournal(DIRECTORY, disk)).toMatchObject({
      cutBytes: 0,
      tornBytes: cut - kept,
    });
  }
});

test('the last segment corrupted at every byte gives the blocks before the byte', async () => {
  const { files, last, blockStarts, packetsBefore } = await twoSegments();
  for (let at = 0; at < last.byteLength; at += 1) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const corrupt = last.slice();
      corrupt[at] = (corrupt[at] ?? 0) ^ flip;
      const disk = diskWith(files, corrupt);
      await recoverJournal(DIRECTORY, disk);
      const blocksBefore = Math.max(0, blockStarts.filter((start) => start <= at).length - 1);
      await expectPrefix(disk, packetsBefore + PACKETS_PER_BLOCK * blocksBefore);
    }
  }
});

test('the first segment cut or corrupted at every byte of a short journal never throws and never invents', async () => {
  const { writer, disk: source } = await openTestJournal();
  for (let number = 0; number < 4; number += 1) {
    writer.packet(1, number, datagram(number));
    writer.flush();
  }
  const whole = source.content(`${DIRECTORY}/${segmentName(0)}`) ?? new Uint8Array();
  for (let at = 0; at < whole.byteLength; at += 1) {
    const corrupt = whole.slice();
    corrupt[at] = (corrupt[at] ?? 0) ^ 0xff;
    for (const bytes of [whole.subarray(0, at), corrupt]) {
      const disk = new SimulatedDisk();
      disk.put(`${DIRECTORY}/${segmentName(0)}`, bytes);
      const recovered = await recoverJournal(DIRECTORY, disk);
      const again = await recoverJournal(DIRECTORY, disk);
      expect(again.position).toEqual(recovered.position);
      expect(again.cutBytes).toBe(0);
      expect(again.tornBytes).toBe(recovered.tornBytes);
      if (recovered.state === 'empty') continue;
      const { log } = await readWhole(disk, DIRECTORY);
      expect(log.packets.length).toBeLessThan(4);
      log.packets.forEach((packet, number) =>
        expect(packet).toBe(Buffer.from(datagram(number)).toString('hex')),
      );
    }
  }
});

test('any bytes at all are recovered without an exception, and nothing is thrown away', async () => {
  const { files } = await twoSegments();
  const first = files.get(segmentName(0)) ?? new Uint8Array();
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(first.byteLength),
      fc.boolean(),
      async (noise, keep, withSecond) => {
        const disk = new SimulatedDisk();
        const content = Buffer.concat([first.subarray(0, keep), noise]);
        disk.put(`${DIRECTORY}/${segmentName(0)}`, content);
        if (withSecond) disk.put(`${DIRECTORY}/${segmentName(1)}`, noise);
        const before = disk.usedBytes;
        await recoverJournal(DIRECTORY, disk);
        expect(disk.usedBytes).toBe(before);
        expect((await recoverJournal(DIRECTORY, disk)).cutBytes).toBe(0);
      },
    ),
  );
});

test('a length that a valid block states but its records do not fill is damage, not an endless loop', async () => {
  const disk = new SimulatedDisk();
  const header = encodeHeader({
    segment: 0,
    previousCrc: 0,
    previousBytes: 0,
    startedWallUs: 1,
    startedMonotonicUs: 1,
    recordingId: 'r',
    nodeId: 'n',
  });
  const block = Buffer.alloc(8 + 20);
  block.writeUInt32LE(20, 4);
  block.writeUInt16LE(100, 8);
  const seed = Buffer.from(header).readUInt32LE(header.byteLength - 4);
  block.writeUInt32LE(crc32(block.subarray(4), seed), 0);
  disk.put(`${DIRECTORY}/${segmentName(0)}`, Buffer.concat([header, block]));
  expect(await recoverJournal(DIRECTORY, disk)).toMatchObject({ defect: 'records', cutBytes: 28 });
});

test('a missing directory is an empty journal', async () => {
  expect(await recoverJournal('/nowhere', new SimulatedDisk())).toMatchObject({
    state: 'empty',
    cutBytes: 0,
    tornBytes: 0,
  });
});

test('a journal of a later major version is left as it is', async () => {
  const { files, last } = await twoSegments();
  const first = Buffer.from(files.get(segmentName(0)) ?? new Uint8Array());
  const headerBytes = first.readUInt32LE(12);
  first.writeUInt16LE(2, 8);
  first.writeUInt32LE(crc32(first.subarray(0, headerBytes - 4)), headerBytes - 4);
  const disk = diskWith(files, last);
  disk.put(`${DIRECTORY}/${segmentName(0)}`, first);
  const before = disk.usedBytes;
  expect((await recoverJournal(DIRECTORY, disk)).state).toBe('later-version');
  expect(disk.usedBytes).toBe(before);
  expect(await disk.list(DIRECTORY)).toEqual([segmentName(0), segmentName(1)]);
  await expect(readWhole(disk, DIRECTORY)).rejects.toMatchObject({ code: 'journal-invalid' });
});

test('a whole journal is told by its end, and recovery changes nothing', async () => {
  const { writer, disk } = await openTestJournal();
  writer.packet(1, 1000, datagram(1));
  const end = await writer.end('call-ended', 2500);
  const before = disk.content(`${DIRECTORY}/${segmentName(0)}`);
  expect(await recoverJournal(DIRECTORY, disk)).toEqual({
    state: 'ended',
    recordingId: 'recording-1',
    startedAtMs: writer.startedAtMs,
    lastTimeUs: 2500,
    endedAtMs: end.endedAtMs,
    endReason: 'call-ended',
    position: { segment: 0, offsetBytes: before?.byteLength },
    defect: undefined,
    cutBytes: 0,
    tornBytes: 0,
  });
  expect(disk.content(`${DIRECTORY}/${segmentName(0)}`)).toEqual(before);
});

test('damage in a middle segment puts the segments behind it aside, whole', async () => {
  const { files, last } = await twoSegments();
  const first = files.get(segmentName(0))?.slice() ?? new Uint8Array();
  first[first.byteLength - 1] = (first.at(-1) ?? 0) ^ 1;
  const disk = diskWith(files, last);
  disk.put(`${DIRECTORY}/${segmentName(0)}`, first);
  const recovered = await recoverJournal(DIRECTORY, disk);
  expect(recovered.position.segment).toBe(0);
  expect(disk.content(`${DIRECTORY}/${segmentName(1)}.torn`)).toEqual(last);
  expect(await disk.sizeBytes(`${DIRECTORY}/${segmentName(1)}`)).toBeUndefined();
});

test('a segment that lost its end is not continued by the next one', async () => {
  const { files, last } = await twoSegments();
  const first = files.get(segmentName(0)) ?? new Uint8Array();
  const disk = diskWith(files, last);
  const lastBlock = 8 + 12; // `continued` alone
  disk.put(`${DIRECTORY}/${segmentName(0)}`, first.subarray(0, first.byteLength - lastBlock));
  const recovered = await recoverJournal(DIRECTORY, disk);
  expect(recovered.position.segment).toBe(0);
  expect(recovered.cutBytes).toBe(last.byteLength);
});

test.each(['open', 'write', 'sync', 'truncate', 'syncDirectory', 'read'] as const)(
  'recovery that a failing %s interrupts at any point is completed by the next run',
  async (operation) => {
    const { files, last } = await twoSegments();
    const torn = Buffer.concat([last.subarray(0, last.byteLength - 5), Buffer.from('garbage')]);
    const expected = diskWith(files, torn);
    await recoverJournal(DIRECTORY, expected);
    for (let skip = 0; skip < 12; skip += 1) {
      const disk = diskWith(files, torn);
      disk.failNext(operation, 'EIO', skip);
      await recoverJournal(DIRECTORY, disk).catch(() => undefined);
      disk.losePower();
      disk.clearFaults();
      await recoverJournal(DIRECTORY, disk);
      const names = await disk.list(DIRECTORY);
      expect(names).toEqual(await expected.list(DIRECTORY));
      for (const name of names) {
        expect(disk.content(`${DIRECTORY}/${name}`)).toEqual(
          expected.content(`${DIRECTORY}/${name}`),
        );
      }
    }
  },
);

test('after power loss at any moment everything acknowledged is there, and what is there was written', async () => {
  let crossings = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('packet', 'packet', 'flush', 'sync', 'turns', 'settle'), {
        minLength: 20,
        maxLength: 150,
      }),
      fc.integer({ min: 150, max: 500 }),
      fc.option(fc.infiniteStream(fc.nat(1_000_000)), { nil: undefined }),
      fc.integer({ min: 1, max: 40 }),
      async (steps, segmentBytes, draws, syncTurns) => {
        const options = { segmentBytes, bufferBytes: 200 };
        const { writer, disk, failures } = await openTestJournal(options);
        disk.syncTurns = syncTurns;
        let packets = 0;
        let acknowledged = 0;
        for (const step of steps) {
          if (step === 'packet') {
            writer.packet(1, packets, datagram(packets));
            packets += 1;
          } else if (step === 'flush') {
            writer.flush();
          } else if (step === 'sync') {
            const covered = packets;
            writer.sync().then(
              () => (acknowledged = Math.max(acknowledged, covered)),
              () => undefined,
            );
          } else if (step === 'turns') {
            for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
          } else {
            await settle();
          }
        }
        const promised = acknowledged;
        expect(failures).toEqual([]);
        disk.losePower(draws && ((below) => (draws.next().value as number) % below));
        const recovered = await recoverJournal(DIRECTORY, disk);
        expect(recovered.state).toBe('unended');
        const { log, progress } = await readWhole(disk, DIRECTORY);
        expect(progress.state).toBe('waiting');
        expect(log.packets.length).toBeGreaterThanOrEqual(promised);
        if (promised > 0 && progress.position.segment > 0) crossings += 1;
        log.packets.forEach((packet, number) =>
          expect(packet).toBe(Buffer.from(datagram(number)).toString('hex')),
        );
        await settle();
      },
    ),
    { numRuns: 400 },
  );
  expect(crossings).toBeGreaterThan(20);
});

test('a recovered journal stays recovered after power loss', async () => {
  const { files, last } = await twoSegments();
  for (let cut = 0; cut < last.byteLength; cut += 7) {
    const disk = diskWith(files, last.subarray(0, cut));
    await recoverJournal(DIRECTORY, disk);
    const before = await disk.list(DIRECTORY);
    const sizes = await Promise.all(before.map((name) => disk.sizeBytes(`${DIRECTORY}/${name}`)));
    disk.losePower();
    expect(await disk.list(DIRECTORY)).toEqual(before);
    expect(await Promise.all(before.map((name) => disk.sizeBytes(`${DIRECTORY}/${name}`)))).toEqual(
      sizes,
    );
  }
});
