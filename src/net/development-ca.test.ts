import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { type DevelopmentTls, ensureDevelopmentTls } from './development-ca.ts';

const run = promisify(execFile);
const RECORDING_HOST = 'tapedeck.asm.skype.com';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-ca-'));
});
afterEach(() => rm(directory, { recursive: true }));

const ensure = (hosts = [RECORDING_HOST], clock = systemClock): Promise<DevelopmentTls> =>
  ensureDevelopmentTls(directory, hosts, clock, systemRandom);

/** A client in a process of its own, which trusts the CA as SDK users make it trusted. */
async function getWithNode(caFile: string, url: string): Promise<string> {
  const script = `require('node:https').get(${JSON.stringify(url)}, { lookup: (h, o, done) =>
    o.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) },
    (r) => { process.stdout.write(String(r.statusCode)); r.resume(); })
    .on('error', (e) => process.stdout.write(e.code ?? e.message));`;
  const { stdout } = await run(process.execPath, ['-e', script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
  });
  return stdout;
}

test('a node client that trusts the CA is served under each of the names', async () => {
  const tls = await ensure([RECORDING_HOST, 'media.example.test']);
  const server = createServer(
    { cert: await readFile(tls.certFile), key: await readFile(tls.keyFile) },
    (_request, response) => response.end('ok'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const host of [RECORDING_HOST, 'media.example.test', 'localhost', '127.0.0.1']) {
      expect(await getWithNode(tls.caFile, `https://${host}:${port}/`)).toBe('200');
    }
    expect(await getWithNode(tls.caFile, `https://login.example.test:${port}/`)).toMatch(/ALTNAME/);
  } finally {
    server.close();
  }
});

test('openssl accepts the chain, and refuses what the CA signs for other names', async () => {
  const { makeCertificate, toPem } = await import('./certificate.ts');
  const { createPrivateKey, generateKeyPairSync } = await import('node:crypto');
  const tls = await ensure();
  const { stdout } = await run('openssl', [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-verify_hostname',
    RECORDING_HOST,
    '-CAfile',
    tls.caFile,
    tls.certFile,
  ]);
  expect(stdout).toMatch(/: OK/);

  const caKey = createPrivateKey(await readFile(join(directory, 'ca-key.pem')));
  const commonName = new X509Certificate(await readFile(tls.caFile)).subject.replace('CN=', '');
  for (const name of ['other.skype.com', '10.0.0.1', '::2']) {
    const rogue = join(directory, 'rogue.pem');
    await writeFile(
      rogue,
      toPem(
        makeCertificate({
          commonName: 'rogue',
          key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
          issuer: { commonName, key: caKey },
          notBefore: new Date(Date.now() - 1000),
          notAfter: new Date(Date.now() + 100_000),
          role: 'server',
          names: [name],
        }),
      ),
    );
    await expect(run('openssl', ['verify', '-CAfile', tls.caFile, rogue])).rejects.toThrow(
      /permitted subtree violation/,
    );
  }
});

test('only the owner may read the keys', async () => {
  const tls = await ensure();
  expect((await stat(tls.keyFile)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, 'ca-key.pem'))).mode & 0o777).toBe(0o600);
});

test('a second start keeps both; other names make a new CA', async () => {
  const first = await ensure();
  const before = [await readFile(first.caFile, 'utf8'), await readFile(first.certFile, 'utf8')];
  const second = await ensure();
  expect(first.isNewAuthority).toBe(true);
  expect(second.isNewAuthority).toBe(false);
  expect([await readFile(second.caFile, 'utf8'), await readFile(second.certFile, 'utf8')]).toEqual(
    before,
  );
  const third = await ensure([RECORDING_HOST, 'other.test']);
  expect(third.isNewAuthority).toBe(true);
  expect(await readFile(third.caFile, 'utf8')).not.toBe(before[0]);
});

test('near its end the server certificate is replaced under the same CA', async () => {
  const clock = new ManualClock(Date.now());
  const first = await ensure([RECORDING_HOST], clock);
  const [ca, certificate] = [
    await readFile(first.caFile, 'utf8'),
    await readFile(first.certFile, 'utf8'),
  ];
  clock.advance(380 * 86_400_000);
  const second = await ensure([RECORDING_HOST], clock);
  expect(second.isNewAuthority).toBe(false);
  expect(await readFile(second.caFile, 'utf8')).toBe(ca);
  expect(await readFile(second.certFile, 'utf8')).not.toBe(certificate);
});

test('a damaged key is replaced', async () => {
  const tls = await ensure();
  await writeFile(tls.keyFile, 'nonsense');
  await ensure();
  const certificate = new X509Certificate(await readFile(tls.certFile));
  const { createPrivateKey } = await import('node:crypto');
  expect(certificate.checkPrivateKey(createPrivateKey(await readFile(tls.keyFile)))).toBe(true);
});
