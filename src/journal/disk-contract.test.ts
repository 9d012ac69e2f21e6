import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Disk } from '../core/ports/disk.ts';
import { nodeDisk } from './node-disk.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

let temporary = '';
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'tapedeck-disk-'));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

let serial = 0;
const DISKS: readonly (readonly [string, () => Disk])[] = [
  ['the file system', () => nodeDisk],
  ['the simulated disk', () => new SimulatedDisk()],
];

describe.each(DISKS)('%s', (_name, makeDisk) => {
  async function freshDirectory(): Promise<{ readonly disk: Disk; readonly directory: string }> {
    const disk = makeDisk();
    const directory = join(temporary, String(serial++), 'deep');
    await disk.makeDirectory(directory);
    await disk.makeDirectory(directory);
    return { disk, directory };
  }

  test('a file holds what was written, wherever it was written', async () => {
    const { disk, directory } = await freshDirectory();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.nat(100), fc.boolean())),
        async (writes) => {
          const path = join(directory, `file-${serial++}`);
          const file = await disk.open(path, 'create');
          let expected = Buffer.alloc(0);
          for (const [bytes, position, now] of writes) {
            if (now) file.writeSync(bytes, position);
            else await file.write(bytes, position);
            if (bytes.byteLength === 0) continue;
            const grown = Buffer.alloc(Math.max(expected.length, position + bytes.byteLength));
            expected.copy(grown);
            grown.set(bytes, position);
            expected = grown;
          }
          const into = new Uint8Array(expected.length + 10);
          expect(await file.read(into, 0)).toBe(expected.length);
          expect(Buffer.compare(into.subarray(0, expected.length), expected)).toBe(0);
          expect(await file.sizeBytes()).toBe(expected.length);
          expect(await disk.sizeBytes(path)).toBe(expected.length);
          await file.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('open modes: create wants no file, read and update want one, read cannot write', async () => {
    const { disk, directory } = await freshDirectory();
    const path = join(directory, 'file');
    await expect(disk.open(path, 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.open(path, 'update')).rejects.toMatchObject({ code: 'ENOENT' });
    await (await disk.open(path, 'create')).close();
    await expect(disk.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    const reader = await disk.open(path, 'read');
    expect(() => reader.writeSync(Uint8Array.of(1), 0)).toThrow('EBADF');
    await expect(reader.write(Uint8Array.of(1), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await reader.close();
    await expect(disk.open(join(directory, 'no', 'file'), 'create')).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('a closed file is closed, also when it is closed again', async () => {
    const { disk, directory } = await freshDirectory();
    const file = await disk.open(join(directory, 'file'), 'create');
    await Promise.all([file.close(), file.close()]);
    await file.close();
    expect(() => file.writeSync(Uint8Array.of(1), 0)).toThrow('EBADF');
    await expect(file.sync()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('truncate cuts and extends with zeros', async () => {
    const { disk, directory } = await freshDirectory();
    const file = await disk.open(join(directory, 'file'), 'create');
    await file.write(Uint8Array.of(1, 2, 3), 0);
    await file.truncate(1);
    await file.truncate(3);
    await file.sync();
    const into = new Uint8Array(4);
    expect(await file.read(into, 0)).toBe(3);
    expect([...into]).toEqual([1, 0, 0, 0]);
    expect(await file.read(into, 3)).toBe(0);
    await file.close();
  });

  test('directories: list, rename and remove', async () => {
    const { disk, directory } = await freshDirectory();
    for (const name of ['b', 'a', 'c']) {
      await (await disk.open(join(directory, name), 'create')).close();
    }
    expect(await disk.list(directory)).toEqual(['a', 'b', 'c']);
    await disk.rename(join(directory, 'a'), join(directory, 'c'));
    await disk.syncDirectory(directory);
    expect(await disk.list(directory)).toEqual(['b', 'c']);
    await disk.remove(join(directory, 'b'));
    await disk.remove(join(directory, 'b'));
    expect(await disk.sizeBytes(join(directory, 'b'))).toBeUndefined();
    await disk.remove(directory);
    expect(await disk.list(directory)).toEqual([]);
    await expect(disk.rename(join(directory, 'x'), join(directory, 'y'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('free space is told', async () => {
    const { disk, directory } = await freshDirectory();
    expect(await disk.freeBytes(directory)).toBeGreaterThan(0);
  });
});

test('files of recordings are readable by their owner alone', async () => {
  const { stat } = await import('node:fs/promises');
  const path = join(temporary, 'private');
  await (await nodeDisk.open(path, 'create')).close();
  expect((await stat(path)).mode & 0o077).toBe(0);
});

test.runIf(existsSync('/dev/full'))('a full file system is told by ENOSPC', async () => {
  const full = await nodeDisk.open('/dev/full', 'update');
  expect(() => full.writeSync(Uint8Array.of(1), 0)).toThrow('ENOSPC');
  await expect(full.write(Uint8Array.of(1), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
  await full.close();
});

test('the simulated disk writes what fits, then says ENOSPC', async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory('/d');
  const file = await disk.open('/d/file', 'create');
  disk.capacityBytes = 5;
  await file.write(Uint8Array.of(1, 2, 3), 0);
  expect(() => file.writeSync(Uint8Array.of(4, 5, 6, 7), 3)).toThrow('ENOSPC');
  expect(await file.sizeBytes()).toBe(5);
  expect(await disk.freeBytes('/d')).toBe(0);
  file.writeSync(Uint8Array.of(9), 0); // what is there may be overwritten
});

test('the simulated disk forgets what was not synced, names included', async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory('/d');
  const kept = await disk.open('/d/kept', 'create');
  await kept.write(Uint8Array.of(1, 2), 0);
  await kept.sync();
  await disk.syncDirectory('/d');
  await kept.write(Uint8Array.of(3), 2);
  const unnamed = await disk.open('/d/unnamed', 'create');
  await unnamed.write(Uint8Array.of(1), 0);
  await unnamed.sync();
  disk.losePower();
  expect(await disk.list('/d')).toEqual(['kept']);
  expect(disk.content('/d/kept')).toEqual(Uint8Array.of(1, 2));
  expect(() => kept.writeSync(Uint8Array.of(4), 0)).toThrow('EBADF');
});
