import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { parseHosts, SystemResolver } from './host-resolver.ts';

const signal = new AbortController().signal;

test('the hosts file is asked first, and again after a while', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tapedeck-hosts-'));
  const file = join(directory, 'hosts');
  const clock = new ManualClock();
  const resolver = new SystemResolver(clock, file);
  await writeFile(file, '10.0.0.1 App.Test\n');
  expect(await resolver.resolve('app.test.', signal)).toEqual(['10.0.0.1']);
  await writeFile(file, '10.0.0.2 app.test\n');
  clock.advance(6_000);
  expect(await resolver.resolve('APP.test', signal)).toEqual(['10.0.0.2']);
  await rm(directory, { recursive: true });
});

test('localhost needs neither file nor DNS', async () => {
  const resolver = new SystemResolver(new ManualClock(), '/nonexistent');
  expect(await resolver.resolve('localhost', signal)).toEqual(['127.0.0.1', '::1']);
  expect(await resolver.resolve('app.localhost', signal)).toEqual(['127.0.0.1', '::1']);
});

test('comments, several names and both families are understood; IPv4 comes first', () => {
  const hosts = parseHosts('# c\n::1 a b # d\n127.0.0.1\ta\n  \nnonsense a\n');
  expect(hosts.get('a')).toEqual(['127.0.0.1', '::1']);
  expect(hosts.get('b')).toEqual(['::1']);
});

test('an ended request gets nothing', async () => {
  const resolver = new SystemResolver(new ManualClock(), '/nonexistent');
  expect(await resolver.resolve('name.invalid', AbortSignal.abort())).toEqual([]);
});
