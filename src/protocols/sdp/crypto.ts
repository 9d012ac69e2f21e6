/** `a=crypto` lines: SRTP keys in session descriptions (RFC 4568, with the suites of RFC 7714). */
import type { SrtpSuite } from '../../core/media-format.ts';

export type SdpCrypto = {
  /** Decimal, up to nine digits; an answer repeats that of the line it takes. */
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** Master key and salt behind each other; `KEY_SALT_BYTES` of the suite. Secret. */
  readonly keySalt: Uint8Array;
};

/** Master key and master salt of each suite (RFC 4568 §6.2, RFC 7714 §14.2). */
export const KEY_SALT_BYTES: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 16 + 14,
  AES_CM_128_HMAC_SHA1_32: 16 + 14,
  AEAD_AES_128_GCM: 16 + 12,
  AEAD_AES_256_GCM: 32 + 12,
};

/** In the order of our offers: first what every phone has. */
export const SRTP_SUITES: readonly SrtpSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_32',
];

/** Words may be apart by more than one blank (§9.1), and some phones end the line with one. */
const CRYPTO_LINE =
  /^(\d{1,9})[ \t]{1,8}([\w-]{1,64})[ \t]{1,8}(\S{1,512})((?:[ \t]{1,8}\S{1,128}){0,16})[ \t]{0,8}$/;
/** One key only, without an MKI: `inline:<key and salt>`, perhaps with a lifetime. */
const INLINE_KEY = /^inline:([A-Za-z0-9+/]{1,128}={0,2})(?:\|(?:2\^\d{1,2}|[1-9]\d{0,14}))?$/i;

/**
 * Reads what stands behind `a=crypto:`. `undefined`: a line that cannot be taken, be it broken, of another
 * suite, or with parameters that change what goes over the wire. A lifetime is read over: whoever names one
 * has to change the key in time (RFC 4568 §6.1).
 */
export function parseCrypto(text: string): SdpCrypto | undefined {
  const [, tag, suiteText, keys, parameters = ''] = CRYPTO_LINE.exec(text) ?? [];
  const suite = SRTP_SUITES.find((known) => known === suiteText?.toUpperCase());
  const keyText = INLINE_KEY.exec(keys ?? '')?.[1];
  if (suite === undefined || keyText === undefined) return undefined;
  const keySalt = new Uint8Array(Buffer.from(keyText, 'base64'));
  const taken = parameters.split(/[ \t]+/).every((parameter) => HARMLESS_PARAMETER.test(parameter));
  if (keySalt.byteLength !== KEY_SALT_BYTES[suite] || !taken) return undefined;
  return { tag: Number(tag), suite, keySalt };
}

/**
 * The window size is a hint (RFC 4568 §6.3.6), a key that is never derived again is the default (§6.3.1), and
 * what begins with a hyphen need not be understood (§6.3.7). Everything else has to be.
 */
const HARMLESS_PARAMETER = /^(?:|WSH=\d{1,9}|KDR=0|-\S*)$/i;

/** What stands behind `a=crypto:`. */
export function formatCrypto(crypto: SdpCrypto): string {
  return `${crypto.tag} ${crypto.suite} inline:${Buffer.from(crypto.keySalt).toString('base64')}`;
}
