import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { systemCode } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import { makeCertificate, toPem } from './certificate.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_LIFETIME_MS = 3_650 * DAY_MS;
/** Browsers refuse server certificates of more than 398 days. */
const SERVER_LIFETIME_MS = 397 * DAY_MS;
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** Clocks of clients may be a little behind. */
const BACKDATED_MS = DAY_MS;

const ALWAYS_NAMED = ['localhost', '127.0.0.1', '::1'];

const FILES = {
  authority: 'ca.pem',
  authorityKey: 'ca-key.pem',
  server: 'server.pem',
  serverKey: 'server-key.pem',
  names: 'names.json',
} as const;

export type DevelopmentTls = {
  /** PEM of the authority, for clients to trust. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Host names and addresses that the certificate speaks for. */
  readonly names: readonly string[];
  /** A new authority was made: clients have to trust it anew. */
  readonly isNewAuthority: boolean;
};

/**
 * The development CA under `directory` and a server certificate of it. The CA may sign for
 * `hosts`, localhost and the loopback addresses only, so that trusting it endangers no other
 * site. Both are made on the first start; the CA again when the names change or its end is near,
 * the server certificate alone when only its own end is near.
 *
 * @param hosts recording host and host of the public URL; brackets around IPv6 are allowed.
 */
export async function ensureDevelopmentTls(
  directory: string,
  hosts: readonly string[],
  clock: Clock,
  random: Random,
): Promise<DevelopmentTls> {
  const names = certificateNames(hosts);
  const path = (file: keyof typeof FILES): string => join(directory, FILES[file]);
  const nowMs = clock.nowMs();
  await mkdir(directory, { recursive: true, mode: 0o700 });

  let authority = await readAuthority(path, names, nowMs);
  const isNewAuthority = authority === undefined;
  if (authority === undefined) {
    authority = makeAuthority(names, nowMs, random);
    // The names last: without them an authority that is only half written is made again.
    await replaceFile(path('names'), '');
    await replaceFile(path('authorityKey'), privatePem(authority.key), 0o600);
    await replaceFile(path('authority'), authority.pem);
    await replaceFile(path('names'), JSON.stringify(names));
  }
  if (!(await serverIsGood(path, authority.certificate, nowMs))) {
    const server = makeServer(authority, names, nowMs);
    await replaceFile(path('serverKey'), privatePem(server.key), 0o600);
    await replaceFile(path('server'), server.pem);
  }
  return {
    caFile: path('authority'),
    certFile: path('server'),
    keyFile: path('serverKey'),
    names,
    isNewAuthority,
  };
}

type Paths = (file: keyof typeof FILES) => string;
type Authority = {
  readonly certificate: X509Certificate;
  readonly commonName: string;
  readonly key: KeyObject;
  readonly pem: string;
};

function certificateNames(hosts: readonly string[]): readonly string[] {
  const plain = hosts.map((host) => host.replace(/^\[|\]$/g, '').toLowerCase());
  // Binding to every address names nobody.
  const named = plain.filter((host) => host !== '' && host !== '0.0.0.0' && host !== '::');
  return [...new Set([...named, ...ALWAYS_NAMED])].sort();
}

async function readAuthority(
  path: Paths,
  names: readonly string[],
  nowMs: number,
): Promise<Authority | undefined> {
  const [storedNames, pem, keyPem] = await Promise.all([
    readIfThere(path('names')),
    readIfThere(path('authority')),
    readIfThere(path('authorityKey')),
  ]);
  if (storedNames !== JSON.stringify(names) || pem === undefined || keyPem === undefined) {
    return undefined;
  }
  try {
    const certificate = new X509Certificate(pem);
    const key = createPrivateKey(keyPem);
    if (!certificate.checkPrivateKey(key) || endsSoon(certificate, nowMs)) return undefined;
    return { certificate, key, pem, commonName: certificate.subject.replace(/^CN=/, '') };
  } catch {
    // Not PEM: somebody has edited it. A new one is made.
    return undefined;
  }
}

async function serverIsGood(
  path: Paths,
  authority: X509Certificate,
  nowMs: number,
): Promise<boolean> {
  const [pem, keyPem] = await Promise.all([
    readIfThere(path('server')),
    readIfThere(path('serverKey')),
  ]);
  if (pem === undefined || keyPem === undefined) return false;
  try {
    const certificate = new X509Certificate(pem);
    return (
      certificate.verify(authority.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
      !endsSoon(certificate, nowMs)
    );
  } catch {
    return false;
  }
}

function makeAuthority(names: readonly string[], nowMs: number, random: Random): Authority {
  const key = newKey();
  // Two authorities of one name and different keys confuse trust stores.
  const commonName = `Tapedeck development CA ${random.hex(4)}`;
  const pem = toPem(
    makeCertificate({
      commonName,
      key,
      issuer: { commonName, key },
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs + AUTHORITY_LIFETIME_MS),
      role: 'authority',
      names,
    }),
  );
  return { certificate: new X509Certificate(pem), commonName, key, pem };
}

function makeServer(
  authority: Authority,
  names: readonly string[],
  nowMs: number,
): { readonly key: KeyObject; readonly pem: string } {
  const key = newKey();
  const certificate = makeCertificate({
    commonName: names.find((name) => isIP(name) === 0) ?? 'localhost',
    key,
    issuer: { commonName: authority.commonName, key: authority.key },
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + SERVER_LIFETIME_MS),
    role: 'server',
    names,
  });
  return { key, pem: toPem(certificate) };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function privatePem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function endsSoon(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validToDate.getTime() - nowMs < RENEW_BEFORE_MS;
}

async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  const unfinished = `${path}.new`;
  await writeFile(unfinished, text, { mode, flush: true });
  await rename(unfinished, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
