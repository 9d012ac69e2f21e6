import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SrtpSuite } from '../../core/media-format.ts';
import { CounterKeystream } from './counter-keystream.ts';
import { GcmCipher } from './gcm-cipher.ts';
import { HmacSha1 } from './hmac-sha1.ts';
import { deriveSessionKeys, generate } from './key-derivation.ts';
import { SrtpReceiver } from './srtp-receiver.ts';
import { SrtpSender } from './srtp-sender.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
const hex = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString('hex');
const flat = (text: string): string => text.replaceAll(/\s/g, '').toLowerCase();

describe('RFC 3711 appendix B', () => {
  test('B.2: keystream of AES in counter mode', () => {
    const key = bytes('2B7E151628AED2A6ABF7158809CF4F3C');
    const salt = bytes('F0F1F2F3F4F5F6F7F8F9FAFBFCFD');
    const stream = new CounterKeystream(key, salt, 0xff02 * 16);
    const blocks = hex(stream.take(0, 0, 0, 0xff02 * 16));
    expect(blocks.slice(0, 96)).toBe(
      flat(`E03EAD0935C95E80E166B16DD92B4EB4
            D23513162B02D0F72A43A2FE4A5F97AB
            41E95B3BB0A2E8DD477901E4FCA894C0`),
    );
    expect(blocks.slice(-96)).toBe(
      flat(`EC8CDF7398607CB0F2D21675EA9EA1E4
            362B7C3C6773516318A077D7FC5073AE
            6A2CC3787889374FBEB4C81B17BA6C44`),
    );
  });

  test('B.3: session keys', () => {
    const masterKey = bytes('E1F97A0D3E018BE0D64FA32C06DE4139');
    const masterSalt = bytes('0EC675AD498AFEEBB6960B3AABE6');
    const both = Uint8Array.of(...masterKey, ...masterSalt);
    const keys = deriveSessionKeys('AES_CM_128_HMAC_SHA1_80', both, 'rtp');
    expect(hex(keys.key)).toBe(flat('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(hex(keys.salt)).toBe(flat('30CBBC08863D8C85D49DB34A9AE1'));
    const authentication = flat(`CEBE321F6FF7716B6FD4AB49AF256A15
      6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098
      6371C10C9A369AC2F94A8C5FBCDDDC25 6D6E919A48B610EF17C2041E47403576
      6B68642C59BBFC2F34DB60DBDFB2`);
    expect(hex(keys.authenticationKey)).toBe(authentication.slice(0, 40));
    expect(hex(generate(masterKey, masterSalt, 1, 94))).toBe(authentication);
  });
});

describe('HMAC-SHA1', () => {
  test('of any message is that of the system, with and without a suffix', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
        (key, message, suffix) => {
          const tag = new Uint8Array(24).fill(0xee);
          new HmacSha1(key).tag(message, message.length, suffix, 20, tag, 2);
          const expected = createHmac('sha1', key).update(message);
          if (suffix !== undefined) {
            const word = Buffer.alloc(4);
            word.writeUInt32BE(suffix);
            expected.update(word);
          }
          expect(hex(tag)).toBe(`eeee${expected.digest('hex')}eeee`);
        },
      ),
    );
  });

  test('of messages around the ends of blocks', () => {
    const hmac = new HmacSha1(bytes('0b'.repeat(20)));
    for (let length = 0; length < 260; length += 1) {
      const message = randomBytes(length);
      const tag = new Uint8Array(20);
      hmac.tag(message, length, undefined, 20, tag, 0);
      const key = Buffer.alloc(20, 0x0b);
      expect(hex(tag)).toBe(createHmac('sha1', key).update(message).digest('hex'));
    }
  });
});

describe('RFC 7714 sections 16 and 17, with the session keys given there', () => {
  const salt = bytes('517569642070726f2071756f');
  const key = bytes('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const rtp = bytes(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
    69736120 696e2070 61727465 73207472 6573`);
  const rtcp = bytes(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
    deadbeef deadbeef deadbeef deadbeef deadbeef`);
  const cipherOf = (keyBytes: number): GcmCipher =>
    new GcmCipher({
      key: key.subarray(0, keyBytes),
      salt,
      authenticationKey: new Uint8Array(0),
    });

  test.each([
    [
      16,
      `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
       51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
    ],
    [
      32,
      `8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
       76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
    ],
  ])('SRTP, a key of %i bytes', (keyBytes, sealed) => {
    const into = new Uint8Array(100);
    const cipher = cipherOf(keyBytes);
    const length = cipher.sealRtp(rtp, 12, 0x5501a0b2, 0, 0xf17b, into);
    expect(hex(into.subarray(0, length))).toBe(flat(sealed));
    const plain = new Uint8Array(100);
    const opened = cipher.openRtp(bytes(sealed), 12, 0x5501a0b2, 0, 0xf17b, plain);
    expect(plain.subarray(0, opened)).toEqual(rtp);
  });

  test.each([
    [
      16,
      `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
       4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`,
    ],
    [
      32,
      `81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
       8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4`,
    ],
  ])('SRTCP, a key of %i bytes', (keyBytes, sealed) => {
    const into = new Uint8Array(100);
    const cipher = cipherOf(keyBytes);
    const length = cipher.sealRtcp(rtcp, 0x4d617273, 0x5d4, into);
    expect(hex(into.subarray(0, length))).toBe(flat(sealed));
    const plain = new Uint8Array(100);
    const opened = cipher.openRtcp(bytes(sealed), 0x4d617273, 0x8000_05d4, plain);
    expect(plain.subarray(0, opened)).toEqual(rtcp);
  });

  test('SRTCP that is authenticated only', () => {
    const tagged = bytes(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
      deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4`);
    const plain = new Uint8Array(100);
    const opened = cipherOf(16).openRtcp(tagged, 0x4d617273, 0x5d4, plain);
    expect(plain.subarray(0, opened)).toEqual(rtcp);
    tagged[20] = 1;
    expect(cipherOf(16).openRtcp(tagged, 0x4d617273, 0x5d4, plain)).toBe(-1);
  });
});

// Made by libsrtp 2 (its `srtp_driver`), with one packet of RTCP sent before.
describe('packets of another implementation', () => {
  const counterKey = 'e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6';
  const gcmKey = '000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab';
  const rtp = `800f1234decafbadcafebabe${'ab'.repeat(16)}`;
  const rtcp = `81c8000bcafebabe${'ab'.repeat(16)}`;
  const cases: readonly [SrtpSuite, string, string, string | undefined][] = [
    [
      'AES_CM_128_HMAC_SHA1_80',
      counterKey,
      '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb',
      '81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798',
    ],
    [
      'AES_CM_128_HMAC_SHA1_32',
      counterKey,
      '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc',
      '81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798',
    ],
    [
      'AEAD_AES_128_GCM',
      gcmKey,
      '800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392',
      '81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001',
    ],
  ];

  test.each(cases)('%s', (suite, keySalt, sealedRtp, sealedRtcp) => {
    const sender = new SrtpSender(suite, bytes(keySalt));
    const receiver = new SrtpReceiver(suite, bytes(keySalt));
    expect(hex(sender.protectRtp(bytes(rtp)))).toBe(sealedRtp);
    expect(hex(receiver.unprotectRtp(bytes(sealedRtp)))).toBe(rtp);
    sender.protectRtcp(bytes(rtcp));
    expect(hex(sender.protectRtcp(bytes(rtcp)))).toBe(sealedRtcp);
    expect(hex(receiver.unprotectRtcp(bytes(sealedRtcp ?? '')))).toBe(rtcp);
  });
});
