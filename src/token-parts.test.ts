import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeClientCertificate } from '../test/support/client-certificate.ts';
import { parseConfiguration } from './config/configuration.ts';
import { TapedeckError } from './core/error.ts';
import { SILENT_LOGGER } from './core/ports/log.ts';
import { makeCertificate, toPem } from './net/certificate.ts';
import { systemClock } from './telemetry/system-clock.ts';
import { systemRandom } from './telemetry/system-random.ts';
import { tokenParts, type TokenParts } from './token-parts.ts';

const ID = 'aaaaaaaa-0000-4000-8000-000000000001';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-parts-'));
});
afterEach(() => rm(directory, { recursive: true }));

function partsWith(
  certificates: readonly string[],
  flags: readonly string[] = [],
): Promise<TokenParts> {
  const path = join(directory, 'tapedeck.yaml');
  const file = stringify({ applications: [{ id: ID, name: 'ivr', certificates }] });
  const configuration = parseConfiguration(['--config', path, ...flags], {}, () => file);
  return tokenParts(configuration, {
    keysDirectory: join(directory, 'keys'),
    ownHosts: ['127.0.0.1'],
    publicUrl: () => 'https://127.0.0.1:8443',
    sender: { send: () => Promise.reject(new Error('nothing is fetched at a start')) },
    clock: systemClock,
    random: systemRandom,
    log: SILENT_LOGGER,
  });
}

test('certificates are taken as PEM, from beside the file, and by their thumbprint', async () => {
  const { certificate, sha256 } = makeClientCertificate();
  await writeFile(join(directory, 'bot.crt'), certificate);
  const { tokenService } = await partsWith([certificate, 'bot.crt', sha256]);
  expect(tokenService?.service.knowsTenant('common')).toBe(true);
});

test('one that cannot be taken stops the start, and names its application', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const elliptic = makeCertificate({
    commonName: 'x',
    key: privateKey,
    issuer: { commonName: 'x', key: privateKey },
    notBefore: new Date(0),
    notAfter: new Date(1e12),
    role: 'server',
    names: ['x.test'],
  });
  const secret = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (const [written, reason] of [
    ['missing.crt', 'missing.crt cannot be taken: ENOENT'],
    [toPem(elliptic), 'the PEM cannot be taken: not of an RSA key'],
    [secret, 'the PEM cannot be taken: no certificate'],
  ] as const) {
    const refused: unknown = await partsWith([written]).catch((error: unknown) => error);
    if (!(refused instanceof TapedeckError)) throw new Error('it was accepted');
    expect(refused.code).toBe('option-invalid');
    expect(refused.message).toContain(`applications.ivr.certificates: ${reason}`);
    expect(refused.message).not.toContain('PRIVATE KEY');
  }
});

test('with a provider nobody is given tokens here', async () => {
  const flags = ['--token-issuer', 'https://id.test/', '--token-audience', 'api://deck'];
  const { tokenService, accessTokens } = await partsWith([], flags);
  expect(tokenService).toBeUndefined();
  expect(await accessTokens.verify('Bearer x', 'graph')).toEqual({
    ok: false,
    defect: 'malformed',
  });
});
