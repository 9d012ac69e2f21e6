import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobStoreContract } from '../../test/contract/blob-store.ts';
import type { Disk, DiskFile, OpenMode } from '../core/ports/disk.ts';
import { nodeDisk, openCachingDisk } from '../journal/node-disk.ts';
import { SimulatedDisk } from '../journal/testing/simulated-disk.ts';
import { FileBlobStore } from './file-blob-store.ts';

for (const [name, openDisk] of [
  ['the file system', () => Promise.resolve(nodeDisk)],
  ['the file system, read from memory where it can be', openCachingDisk],
] as const) {
  blobStoreContract(name, async () => {
    const root = await mkdtemp(join(tmpdir(), 'tapedeck-blobs-'));
    const disk = await openDisk();
    return {
      store: await FileBlobStore.open(disk, root),
      reopen: () => FileBlobStore.open(disk, root),
      dispose: () => rm(root, { recursive: true }),
      showsUnfinished: true,
      keepsReplaced: true,
    };
  });
}

describe('the file blob store', () => {
  async function put(store: FileBlobStore, key: string): Promise<void> {
    const writer = await store.open(key, 1);
    await writer.append(Uint8Array.of(2));
    await writer.writeHeader(Uint8Array.of(1));
    await writer.commit();
  }

  test('keeps a committed blob over a loss of power, in directories that are new', async () => {
    const disk = new SimulatedDisk();
    const store = await FileBlobStore.open(disk, '/data/blobs');
    await put(store, 'a/b/one');
    disk.losePower();
    expect(disk.content('/data/blobs/a/b/one')).toEqual(Uint8Array.of(1, 2));
  });

  test('has what an append acknowledged on the medium', async () => {
    const disk = new SimulatedDisk();
    const store = await FileBlobStore.open(disk, '/data/blobs');
    const writer = await store.open('one', 0);
    const before = disk.syncs;
    await writer.append(Uint8Array.of(1));
    expect(disk.syncs).toBe(before + 1);
  });

  test('syncs each write once, and what nothing was written to as well', async () => {
    const disk = new SimulatedDisk();
    const store = await FileBlobStore.open(disk, '/data/blobs');
    const before = disk.syncs;
    await put(store, 'one');
    // An append and a header.
    expect(disk.syncs).toBe(before + 2);
    await (await store.open('empty', 0)).commit();
    expect(disk.syncs).toBe(before + 3);
  });

  test.each(['open', 'write', 'sync', 'read'] as const)(
    'reports a disk that fails to %s, and the blob never appears',
    async (operation) => {
      const disk = new SimulatedDisk();
      const store = await FileBlobStore.open(disk, '/data/blobs');
      disk.failNext(operation, 'EIO');
      await expect(put(store, 'one')).rejects.toMatchObject({
        code: 'disk-failed',
        message: expect.stringContaining('EIO') as string,
      });
      expect(disk.content('/data/blobs/one')).toBeUndefined();
    },
  );

  test('says so when the medium gives back other bytes than it was given', async () => {
    const store = await FileBlobStore.open(new ForgetfulDisk(), '/data/blobs');
    const writer = await store.open('one', 0);
    await writer.append(Uint8Array.of(1, 2, 3));
    await expect(
      writer.append(new Uint8Array(300_000).fill(ForgetfulDisk.TRIGGER)),
    ).rejects.toMatchObject({
      code: 'blob-mismatch',
    });
  });

  test('removes with a blob what a thread that died has left of it unfinished', async () => {
    const disk = new SimulatedDisk();
    const store = await FileBlobStore.open(disk, '/data/blobs');
    const writer = await store.open('a/one', 0);
    await writer.append(Uint8Array.of(1));
    await store.remove('a/one');
    expect(disk.content('/data/blobs/.unfinished/a_one')).toBeUndefined();
    expect(await store.readUnfinished('a/one')).toBeUndefined();
  });

  test('a second thread of the process leaves unfinished blobs alone', async () => {
    const disk = new SimulatedDisk();
    const store = await FileBlobStore.open(disk, '/data/blobs');
    const writer = await store.open('one', 0);
    await FileBlobStore.open(disk, '/data/blobs', false);
    await writer.writeHeader(new Uint8Array());
    await writer.commit();
    expect(disk.content('/data/blobs/one')).toEqual(new Uint8Array());
  });
});

/** Writes a bit wrong when the last byte of a write has a certain value. */
class ForgetfulDisk extends SimulatedDisk implements Disk {
  static readonly TRIGGER = 0x5a;

  override async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const write = file.write.bind(file);
    file.write = (bytes, position) => {
      const copy = bytes.slice();
      if (copy.at(-1) === ForgetfulDisk.TRIGGER) copy[copy.length - 1]! ^= 1;
      return write(copy, position);
    };
    return file;
  }
}
