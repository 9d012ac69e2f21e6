import type * as nodeFs from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

type WriteDone = (error: Error | null, count: number) => void;

function interrupted(): Error {
  return Object.assign(new Error('EINTR'), { code: 'EINTR' });
}

/** Every other call is interrupted by a signal; the others do one byte less than asked, but one. */
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof nodeFs>();
  let calls = 0;
  const some = (bytes: number): number => Math.max(1, bytes - 1);
  return {
    ...fs,
    writeSync: (fd: number, bytes: Uint8Array, at: number, count: number, position: number) => {
      if (calls++ % 2 === 0) throw interrupted();
      return fs.writeSync(fd, bytes, at, some(count), position);
    },
    write: (
      fd: number,
      bytes: Uint8Array,
      at: number,
      count: number,
      position: number,
      done: WriteDone,
    ) => {
      if (calls++ % 2 === 0) done(interrupted(), 0);
      else fs.write(fd, bytes, at, some(count), position, done);
    },
    read: (
      fd: number,
      bytes: Uint8Array,
      at: number,
      count: number,
      position: number,
      done: WriteDone,
    ) => {
      if (calls++ % 2 === 0) done(interrupted(), 0);
      else fs.read(fd, bytes, at, some(count), position, done);
    },
  };
});

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-node-disk-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('short writes, short reads and interruptions by signals are carried on to the end', async () => {
  const { nodeDisk } = await import('./node-disk.ts');
  const path = join(directory, 'file');
  const file = await nodeDisk.open(path, 'create');
  file.writeSync(Buffer.from('0123456789'), 0);
  await file.write(Buffer.from('abcdefghij'), 10);
  expect(await readFile(path, 'latin1')).toBe('0123456789abcdefghij');
  const into = Buffer.alloc(15);
  expect(await file.read(into, 3)).toBe(15);
  expect(into.toString('latin1')).toBe('3456789abcdefgh');
  await file.close();
});
