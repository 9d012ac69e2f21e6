import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { KEY_LIFETIME_MS, RETIRED_KEY_KEPT_MS, SigningKeys } from './signing-keys.ts';

let directory: string;
let path: string;
let clock: ManualClock;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-keys-'));
  path = join(directory, 'keys', 'tokens.json');
  clock = new ManualClock();
});
afterEach(() => rm(directory, { recursive: true }));

const open = (): Promise<SigningKeys> => SigningKeys.open(path, clock, SILENT_LOGGER);
const kids = async (keys: SigningKeys): Promise<readonly unknown[]> =>
  (await keys.keySet()).keys.map((key) => key.kid);

test('there is no key before one is needed; then it is there for good, for one user', async () => {
  const keys = await open();
  await expect(stat(path)).rejects.toThrow('ENOENT');
  const [first, second] = await Promise.all([keys.current(), keys.current()]);
  expect(second.kid).toBe(first.kid);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const again = await open();
  expect((await again.current()).kid).toBe(first.kid);
  expect(again.publicKey(first.kid)?.equals(first.publicKey)).toBe(true);
});

test('an old key is followed by a new one, and its tokens stay good until they are over', async () => {
  const keys = await open();
  const old = await keys.current();
  clock.advance(KEY_LIFETIME_MS - 1);
  expect((await keys.current()).kid).toBe(old.kid);
  clock.advance(1);
  const young = await keys.current();
  expect(young.kid).not.toBe(old.kid);
  expect(await kids(keys)).toEqual([young.kid, old.kid]);
  expect(await kids(await open())).toEqual([young.kid, old.kid]);
  clock.advance(RETIRED_KEY_KEPT_MS);
  expect(keys.publicKey(old.kid)).toBeUndefined();
  expect(await kids(keys)).toEqual([young.kid]);
  expect(await kids(await open())).toEqual([young.kid]);
});

test('nobody can sign with a key any more that was replaced, nor is a private one published', async () => {
  const keys = await open();
  await keys.current();
  clock.advance(KEY_LIFETIME_MS);
  await keys.current();
  const stored = JSON.parse(await readFile(path, 'utf8')) as {
    readonly keys: readonly { readonly jwk: Readonly<Record<string, unknown>> }[];
  };
  expect(stored.keys.map(({ jwk }) => 'd' in jwk)).toEqual([true, false]);
  for (const jwk of (await keys.keySet()).keys) {
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use', 'x5t']);
  }
});

test('when the next key cannot be stored the old one goes on', async () => {
  const keys = await open();
  const old = await keys.current();
  clock.advance(KEY_LIFETIME_MS);
  await rm(join(directory, 'keys'), { recursive: true });
  await writeFile(join(directory, 'keys'), 'a file in the place of the directory');
  expect((await keys.current()).kid).toBe(old.kid);
  await rm(join(directory, 'keys'));
  await mkdir(join(directory, 'keys'));
  await chmod(join(directory, 'keys'), 0o700);
  expect((await keys.current()).kid).not.toBe(old.kid);
});

test.each([
  '',
  'x',
  '{}',
  '{"keys":[{}]}',
  '{"keys":[{"createdAtMs":1,"jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}]}',
])('a file that holds no keys stops the start: %s', async (text) => {
  await mkdir(join(directory, 'keys'));
  await writeFile(path, text);
  await expect(open()).rejects.toMatchObject({ code: 'data-dir-unusable' });
});
