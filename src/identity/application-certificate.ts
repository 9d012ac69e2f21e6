import { X509Certificate } from 'node:crypto';
import type { ApplicationCertificate } from './applications.ts';

/**
 * A certificate whose private half an application signs its assertions with, from PEM or DER.
 * Throws `TypeError` if it is none, or not of an RSA key, which is what the SDKs sign with.
 */
export function applicationCertificate(source: string | Uint8Array): ApplicationCertificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(source);
  } catch (cause) {
    throw new TypeError('no certificate', { cause });
  }
  const { publicKey } = certificate;
  if (publicKey.asymmetricKeyType !== 'rsa') throw new TypeError('not of an RSA key');
  return {
    sha256: plainHex(certificate.fingerprint256),
    known: {
      sha1: plainHex(certificate.fingerprint),
      publicKey,
      validFromMs: certificate.validFromDate.getTime(),
      validToMs: certificate.validToDate.getTime(),
    },
  };
}

/** A certificate of which only the SHA-256 thumbprint is known, in hex, with or without colons. */
export function pinnedCertificate(sha256: string): ApplicationCertificate {
  return { sha256: plainHex(sha256), known: undefined };
}

/** `AB:CD` → `abcd`. */
function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
