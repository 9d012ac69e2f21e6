import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from './directory-lock.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-lock-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test('a directory is locked once, and again after its release', () => {
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow('in use by another Tapedeck');
  lock.release();
  lock.release();
  lockDirectory(directory).release();
});

test('a process that is killed leaves no lock behind', async () => {
  const script =
    `const { lockDirectory } = await import(${JSON.stringify(new URL('./directory-lock.ts', import.meta.url).href)});` +
    `lockDirectory(${JSON.stringify(directory)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(() => lockDirectory(directory)).toThrow(/in use/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDirectory(directory).release();
});

test('a directory that is not there cannot be used, and the option is named', () => {
  expect(() => lockDirectory(join(directory, 'missing'))).toThrow(/--data-dir .* cannot be used/);
});
