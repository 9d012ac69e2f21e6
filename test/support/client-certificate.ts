import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { makeCertificate, toPem } from '../../src/net/certificate.ts';

const DAY_MS = 86_400_000;

export type ClientCertificate = {
  readonly privateKey: KeyObject;
  /** PEM of the certificate alone: what a server is told. */
  readonly certificate: string;
  /** PEM of certificate and private key: what a client has. */
  readonly both: string;
  /** Hex in lower case, without colons. */
  readonly sha256: string;
  readonly sha1: string;
};

/** A certificate of an RSA key, as applications prove themselves with; good for a day around `nowMs`. */
export function makeClientCertificate(nowMs: number = Date.now()): ClientCertificate {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const certificate = toPem(
    makeCertificate({
      commonName: 'a bot',
      key: privateKey,
      issuer: { commonName: 'an issuer', key: issuer },
      notBefore: new Date(nowMs - DAY_MS),
      notAfter: new Date(nowMs + DAY_MS),
      role: 'server',
      names: ['bot.example'],
    }),
  );
  const { fingerprint, fingerprint256 } = new X509Certificate(certificate);
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return {
    privateKey,
    certificate,
    both: `${certificate}${pem}`,
    sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
    sha1: fingerprint.replaceAll(':', '').toLowerCase(),
  };
}
