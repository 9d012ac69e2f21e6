import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { ipv6Octets } from './address-policy.ts';
import * as der from './der.ts';

/** A host name or an IP address that a certificate speaks for. */
export type CertificateName = string;

export type Issuer = { readonly commonName: string; readonly key: KeyObject };

export type CertificateRequest = {
  readonly commonName: string;
  /** The holder's public or private key, EC P-256. */
  readonly key: KeyObject;
  readonly issuer: Issuer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /**
   * `authority`: may sign for these names only (RFC 5280 §4.2.1.10). `server`: speaks for them.
   */
  readonly role: 'authority' | 'server';
  readonly names: readonly CertificateName[];
};

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** GeneralName choices (RFC 5280 §4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

const VERSION_3 = Uint8Array.of(2);
const SERIAL_BYTES = 16;

/** Makes an X.509 certificate (RFC 5280), signed by ECDSA with SHA-256; DER. */
export function makeCertificate(request: CertificateRequest): Uint8Array {
  const signatureAlgorithm = der.sequence(der.objectIdentifier(OID.ecdsaWithSha256));
  const toBeSigned = der.sequence(
    der.context(0, der.integer(VERSION_3)),
    der.integer(serialNumber()),
    signatureAlgorithm,
    distinguishedName(request.issuer.commonName),
    der.sequence(der.generalizedTime(request.notBefore), der.generalizedTime(request.notAfter)),
    distinguishedName(request.commonName),
    publicKeyInfo(request.key),
    der.context(3, der.sequence(...extensions(request))),
  );
  const signature = sign('sha256', toBeSigned, request.issuer.key);
  return der.sequence(toBeSigned, signatureAlgorithm, der.bitString(signature));
}

export function toPem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function extensions(request: CertificateRequest): readonly Uint8Array[] {
  const issuerKeyId = der.sequence(der.contextPrimitive(0, keyIdentifier(request.issuer.key)));
  const shared = [
    extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifier(request.key))),
    extension(OID.authorityKeyIdentifier, issuerKeyId),
  ];
  if (request.role === 'authority') {
    const onlyLeaves = der.integer(Uint8Array.of(0));
    const permitted = der.context(0, ...request.names.map(permittedSubtree));
    return [
      ...shared,
      criticalExtension(OID.basicConstraints, der.sequence(der.boolean(true), onlyLeaves)),
      // keyCertSign and cRLSign: bits 5 and 6.
      criticalExtension(OID.keyUsage, der.bitString(Uint8Array.of(0b0000_0110), 1)),
      criticalExtension(OID.nameConstraints, der.sequence(permitted)),
    ];
  }
  return [
    ...shared,
    criticalExtension(OID.basicConstraints, der.sequence()),
    // digitalSignature: bit 0.
    criticalExtension(OID.keyUsage, der.bitString(Uint8Array.of(0b1000_0000), 7)),
    extension(OID.extendedKeyUsage, der.sequence(der.objectIdentifier(OID.serverAuth))),
    extension(OID.subjectAltName, der.sequence(...request.names.map(generalName))),
  ];
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(oid), der.octetString(value));
}

function criticalExtension(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(oid), der.boolean(true), der.octetString(value));
}

function generalName(name: CertificateName): Uint8Array {
  return isIP(name) === 0
    ? der.contextPrimitive(DNS_NAME, Buffer.from(name))
    : der.contextPrimitive(IP_ADDRESS, addressOctets(name));
}

/** A GeneralSubtree: a name with what is below it, or exactly one address. */
function permittedSubtree(name: CertificateName): Uint8Array {
  if (isIP(name) === 0) return der.sequence(generalName(name));
  const address = addressOctets(name);
  const exactly = new Uint8Array(address.length).fill(0xff);
  return der.sequence(der.contextPrimitive(IP_ADDRESS, Buffer.concat([address, exactly])));
}

function distinguishedName(commonName: string): Uint8Array {
  return der.sequence(
    der.set(der.sequence(der.objectIdentifier(OID.commonName), der.utf8String(commonName))),
  );
}

/**
 * SHA-1 of the whole SubjectPublicKeyInfo; RFC 5280 §4.2.1.2 suggests that of the key bits in it,
 * and leaves the choice. Not a matter of security.
 */
function keyIdentifier(key: KeyObject): Uint8Array {
  return createHash('sha1').update(publicKeyInfo(key)).digest();
}

function publicKeyInfo(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' });
}

function serialNumber(): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES);
  // Positive and of constant length.
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes;
}

function addressOctets(address: string): Uint8Array {
  return isIPv6(address) ? ipv6Octets(address) : Uint8Array.from(address.split('.').map(Number));
}
