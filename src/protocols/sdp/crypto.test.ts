import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCrypto, KEY_SALT_BYTES, parseCrypto, SRTP_SUITES } from './crypto.ts';

/** The example of RFC 4568 §10.3.2.1. */
const EXAMPLE_KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';

describe('a crypto line', () => {
  test('is read as RFC 4568 writes it', () => {
    const line = `1 AES_CM_128_HMAC_SHA1_80 inline:${EXAMPLE_KEY}|2^20`;
    const crypto = parseCrypto(line);
    expect(crypto).toMatchObject({ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80' });
    // What the example's key says in ASCII.
    expect(Buffer.from(crypto?.keySalt ?? []).toString('latin1')).toBe(
      'YS___semctl () {\t220;}\n}\nunles',
    );
  });

  test.each([
    ['a lifetime in packets', `1 AES_CM_128_HMAC_SHA1_80 inline:${EXAMPLE_KEY}|1048576`],
    ['a window size', `1 AES_CM_128_HMAC_SHA1_80 inline:${EXAMPLE_KEY} WSH=128`],
    ['what need not be understood', `1 AES_CM_128_HMAC_SHA1_80 inline:${EXAMPLE_KEY} -X=1 KDR=0`],
    ['blanks', `1  AES_CM_128_HMAC_SHA1_80 \t inline:${EXAMPLE_KEY}   WSH=128  -X `],
    ['a blank at its end', `1 AES_CM_128_HMAC_SHA1_80 inline:${EXAMPLE_KEY} `],
    ['small letters', `1 aes_cm_128_hmac_sha1_80 INLINE:${EXAMPLE_KEY}`],
  ])('may have %s', (_, line) => {
    expect(parseCrypto(line)?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
  });

  test.each([
    ['', 'nothing'],
    ['x AES_CM_128_HMAC_SHA1_80 inline:KEY', 'no tag'],
    ['1234567890 AES_CM_128_HMAC_SHA1_80 inline:KEY', 'too long a tag'],
    ['1 F8_128_HMAC_SHA1_80 inline:KEY', 'a suite that is not built'],
    ['1 AES_CM_128_HMAC_SHA1_80 KEY', 'no key method'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4', 'an MKI'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1:4', 'an MKI without a lifetime'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY;inline:KEY', 'two keys'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY|0', 'no life at all'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:AAAA', 'too short a key'],
    ['1 AEAD_AES_128_GCM inline:KEY', 'a key of another suite'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY KDR=1', 'a key that is derived again'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNENCRYPTED_SRTP', 'no encryption'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNENCRYPTED_SRTCP', 'no encryption of RTCP'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNAUTHENTICATED_SRTP', 'no authentication'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY FEC_ORDER=FEC_SRTP', 'error correction'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:KEY WSH=64 NOVEL=1', 'a parameter nobody knows'],
  ])('%s cannot be taken: %s', (line) => {
    expect(parseCrypto(line.replaceAll('KEY', EXAMPLE_KEY))).toBeUndefined();
  });

  test('is written so that it is read again, with and without padding', () => {
    const crypto = fc.constantFrom(...SRTP_SUITES).chain((suite) =>
      fc.record({
        tag: fc.integer({ min: 0, max: 999_999_999 }),
        suite: fc.constant(suite),
        keySalt: fc.uint8Array({
          minLength: KEY_SALT_BYTES[suite],
          maxLength: KEY_SALT_BYTES[suite],
        }),
      }),
    );
    fc.assert(
      fc.property(crypto, (written) => {
        const text = formatCrypto(written);
        expect(parseCrypto(text)).toEqual(written);
        expect(parseCrypto(text.replace(/=+$/, ''))).toEqual(written);
      }),
    );
  });

  test('has keys as long as its suite wants', () => {
    expect(KEY_SALT_BYTES).toEqual({
      AES_CM_128_HMAC_SHA1_80: 30,
      AES_CM_128_HMAC_SHA1_32: 30,
      AEAD_AES_128_GCM: 28,
      AEAD_AES_256_GCM: 44,
    });
  });
});
