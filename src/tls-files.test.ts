import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfiguration } from './config/configuration.ts';
import { systemClock } from './telemetry/system-clock.ts';
import { systemRandom } from './telemetry/system-random.ts';
import { tlsFiles, type TlsFiles } from './tls-files.ts';

const PORTS = { clock: systemClock, random: systemRandom };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-tls-files-'));
});
afterEach(() => rm(directory, { recursive: true }));

function files(name: string, ...argv: readonly string[]): Promise<TlsFiles> {
  const configuration = parseConfiguration(argv, {}, () => undefined);
  return tlsFiles(configuration, join(directory, name), ['localhost'], PORTS);
}

test('SIP peers are trusted by our own authority and by those that are named', async () => {
  const other = await files('other');
  const named = join(directory, 'named.pem');
  await copyFile(other.caFile ?? '', named);
  const own = await files('own', '--tls-ca', named);
  expect(own.authorities).toHaveLength(2);
  expect(own.authorities[1]).toBe(other.authorities[0]);
  expect(own.authorities[0]).not.toBe(other.authorities[0]);
});

test.each([
  ['that is not there', undefined, /^--tls-ca .* cannot be read/],
  ['without a certificate', 'hello', /^--tls-ca .* holds no usable certificate$/],
  [
    'with a broken one',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    /^--tls-ca .* holds no usable certificate$/,
  ],
])('a file of authorities %s stops the start', async (_, text, message) => {
  const path = join(directory, 'named.pem');
  if (text !== undefined) await writeFile(path, text);
  const failing = files('own', '--tls-ca', path);
  await expect(failing).rejects.toMatchObject({ code: 'option-invalid', field: '--tls-ca' });
  await expect(failing).rejects.toThrow(message);
});
