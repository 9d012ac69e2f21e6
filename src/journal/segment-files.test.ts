import { expect, test } from 'vitest';
import { BlockBuffer } from './block-buffer.ts';
import { RECORD_PACKET } from './format.ts';
import { SegmentFiles } from './segment-files.ts';
import { datagram, DIRECTORY, settle } from './testing/open-journal.ts';
import { readWhole } from './testing/record-log.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

async function openSegments(segmentBytes: number): Promise<{
  readonly disk: SimulatedDisk;
  readonly segments: SegmentFiles;
  readonly write: (number: number) => void;
}> {
  const disk = new SimulatedDisk();
  const block = new BlockBuffer(4096);
  const segments = await SegmentFiles.create({
    disk,
    directory: DIRECTORY,
    segmentBytes,
    identity: {
      startedWallUs: 1,
      startedMonotonicUs: 2,
      recordingId: 'recording-1',
      nodeId: 'node-1',
    },
  });
  const write = (number: number): void => {
    block.append(RECORD_PACKET, 0, 1, number, datagram(number));
    segments.write(block);
    segments.rotate(block, number);
  };
  return { disk, segments, write };
}

test('segments follow each other by themselves once they are large enough', async () => {
  const { disk, segments, write } = await openSegments(300);
  for (let number = 0; number < 20; number += 1) {
    write(number);
    await settle();
  }
  await segments.close();
  expect((await disk.list(DIRECTORY)).length).toBeGreaterThan(1);
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(20);
});

test('a segment whose successor is not there yet goes on beyond its size', async () => {
  const { disk, segments, write } = await openSegments(300);
  for (let number = 0; number < 20; number += 1) write(number);
  expect(await disk.sizeBytes(`${DIRECTORY}/000000.tdj`)).toBeGreaterThan(600);
  await segments.close();
  expect(await disk.list(DIRECTORY)).toEqual(['000000.tdj']);
});

test('a sync covers full segments too, and one without new blocks does not bother the disk', async () => {
  const { disk, segments, write } = await openSegments(300);
  for (let number = 0; number < 20; number += 1) {
    write(number);
    await settle();
  }
  await segments.sync();
  const before = disk.syncs;
  await segments.sync();
  expect(disk.syncs).toBe(before);
  disk.losePower();
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(20);
});

test('what a failed write left is cut behind the last whole block', async () => {
  const { disk, segments, write } = await openSegments(10_000);
  write(0);
  const whole = await disk.sizeBytes(`${DIRECTORY}/000000.tdj`);
  disk.capacityBytes = disk.usedBytes + 10;
  expect(() => {
    write(1);
  }).toThrow();
  await segments.cutTail();
  expect(await disk.sizeBytes(`${DIRECTORY}/000000.tdj`)).toBe(whole);
});
