import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateSecret, replaceSecret } from './secret-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-secret-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('the secret is made once and read ever after', async () => {
  const path = join(directory, 'identity', 'secret');
  expect(await loadOrCreateSecret(path, () => 'first')).toBe('first');
  expect(await loadOrCreateSecret(path, () => 'second')).toBe('first');
});

test('only the owner may read the file and its directory', async () => {
  const path = join(directory, 'identity', 'secret');
  await loadOrCreateSecret(path, () => 'x');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, 'identity'))).mode & 0o777).toBe(0o700);
});

test('a secret is replaced whole, and nothing is left beside it', async () => {
  const path = join(directory, 'identity', 'secret');
  await replaceSecret(path, 'first');
  await replaceSecret(path, 'second');
  expect(await readFile(path, 'utf8')).toBe('second');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(directory, 'identity'))).toEqual(['secret']);
});
