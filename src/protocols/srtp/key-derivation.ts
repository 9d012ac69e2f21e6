import { createCipheriv, createSecretKey } from 'node:crypto';
import type { SrtpSuite } from '../../core/media-format.ts';
import { SUITES } from './suites.ts';

/** Keys of one direction of RTP, or of RTCP. */
export type SessionKeys = {
  readonly key: Uint8Array;
  /** Empty with an AEAD cipher. */
  readonly authenticationKey: Uint8Array;
  readonly salt: Uint8Array;
};

/** Labels of RFC 3711 §4.3.2. */
const FIRST_LABEL = { rtp: 0, rtcp: 3 } as const;
/** Of the generator's input; shorter salts are filled up with zeros (RFC 7714 §11). */
const SALT_BYTES = 14;
const LABEL_AT = 7;
const BLOCK_BYTES = 16;

/**
 * Session keys from a master key and the salt behind it (RFC 3711 §4.3), derived once: the rate is 0, and
 * with it the index plays no part.
 */
export function deriveSessionKeys(
  suite: SrtpSuite,
  masterKeySalt: Uint8Array,
  kind: 'rtp' | 'rtcp',
): SessionKeys {
  const { keyBytes, saltBytes, authenticationKeyBytes } = SUITES[suite];
  const masterKey = masterKeySalt.subarray(0, keyBytes);
  const masterSalt = masterKeySalt.subarray(keyBytes, keyBytes + saltBytes);
  const label = FIRST_LABEL[kind];
  return {
    key: generate(masterKey, masterSalt, label, keyBytes),
    authenticationKey: generate(masterKey, masterSalt, label + 1, authenticationKeyBytes),
    salt: generate(masterKey, masterSalt, label + 2, saltBytes),
  };
}

/** AES in counter mode as a generator of pseudo-random bytes (§4.3.3). */
export function generate(
  masterKey: Uint8Array,
  masterSalt: Uint8Array,
  label: number,
  lengthBytes: number,
): Uint8Array {
  const start = new Uint8Array(BLOCK_BYTES);
  start.set(masterSalt.subarray(0, SALT_BYTES));
  start[LABEL_AT] = (start[LABEL_AT] ?? 0) ^ label;
  const algorithm = masterKey.length === 16 ? 'aes-128-ctr' : 'aes-256-ctr';
  const cipher = createCipheriv(algorithm, createSecretKey(masterKey), start);
  return Uint8Array.from(cipher.update(new Uint8Array(lengthBytes)));
}
