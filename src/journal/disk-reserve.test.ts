import { expect, test } from 'vitest';
import { DiskReserve } from './disk-reserve.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

const PATH = '/data/reserve';

async function freshDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.makeDirectory('/data');
  return disk;
}

test('a reserve takes its space, and gives it back once', async () => {
  const disk = await freshDisk();
  const reserve = await DiskReserve.take(disk, PATH, 2_500_000);
  expect(disk.usedBytes).toBe(2_500_000);
  await Promise.all([reserve.release(), reserve.release()]);
  expect(disk.usedBytes).toBe(0);
});

test('the reserve of an earlier run is taken over; one that is too small is made anew', async () => {
  const disk = await freshDisk();
  await DiskReserve.take(disk, PATH, 100);
  disk.capacityBytes = 100;
  await DiskReserve.take(disk, PATH, 100);
  disk.capacityBytes = 500;
  await DiskReserve.take(disk, PATH, 400);
  expect(disk.usedBytes).toBe(400);
});

test('a disk without the space for a reserve says so', async () => {
  const disk = await freshDisk();
  disk.capacityBytes = 50;
  await expect(DiskReserve.take(disk, PATH, 100)).rejects.toMatchObject({ code: 'ENOSPC' });
});

test('another thread can release it by its path', async () => {
  const disk = await freshDisk();
  await DiskReserve.take(disk, PATH, 100);
  await DiskReserve.at(disk, PATH).release();
  expect(disk.usedBytes).toBe(0);
});
