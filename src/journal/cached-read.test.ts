import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiskFile } from '../core/ports/disk.ts';
import { loadCachedRead } from './cached-read.ts';
import { nodeDisk, openCachingDisk } from './node-disk.ts';

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);

const isThere = (await loadCachedRead()) !== undefined;
let directory = '';
let path = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-cached-'));
  path = join(directory, 'file');
  // What was just written is in memory.
  await writeFile(path, CONTENT);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function opened(): Promise<DiskFile> {
  return (await openCachingDisk()).open(path, 'read');
}

describe.runIf(isThere)('reading what is in memory', () => {
  test('fills exactly the room that is given, wherever it is in its buffer', async () => {
    const file = await opened();
    const buffer = new Uint8Array(200_000);
    expect(file.readCached?.(buffer.subarray(1_000, 101_000), 7)).toBe(100_000);
    expect(Buffer.compare(buffer.subarray(1_000, 101_000), CONTENT.subarray(7, 100_007))).toBe(0);
    expect(buffer.subarray(0, 1_000).some((byte) => byte !== 0)).toBe(false);
    expect(buffer.subarray(101_000).some((byte) => byte !== 0)).toBe(false);
    await file.close();
  });

  test('reads few bytes too, fewer at the end of the file, and none behind it', async () => {
    const file = await opened();
    const into = new Uint8Array(4);
    expect(file.readCached?.(into, 2)).toBe(4);
    expect([...into]).toEqual([2, 3, 4, 5]);
    expect(file.readCached?.(into, CONTENT.length - 1)).toBe(1);
    expect(file.readCached?.(into, CONTENT.length)).toBe(0);
    await file.close();
  });

  test('is refused for a closed file, whose number may be that of another', async () => {
    const file = await opened();
    await file.close();
    expect(() => file.readCached?.(new Uint8Array(1), 0)).toThrow('EBADF');
  });
});

test('a disk that was not asked for it reads nothing so', async () => {
  const file = await nodeDisk.open(path, 'read');
  expect(file.readCached?.(new Uint8Array(4), 0)).toBe(0);
  await file.close();
});
