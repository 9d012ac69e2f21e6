import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SrtpSuite } from '../../core/media-format.ts';
import { RTP_FIXED_HEADER_BYTES, writeRtpHeader } from '../rtp/header.ts';
import { SrtpReceiver } from './srtp-receiver.ts';
import { SrtpSender } from './srtp-sender.ts';
import { SUITES } from './suites.ts';

const suites = Object.keys(SUITES) as SrtpSuite[];
const keyOf = (suite: SrtpSuite, filler = 7): Uint8Array => {
  const { keyBytes, saltBytes } = SUITES[suite];
  return Uint8Array.from({ length: keyBytes + saltBytes }, (_, at) => at * filler);
};

type Fields = { readonly sequence?: number; readonly ssrc?: number; readonly payload?: Uint8Array };

function rtp({ sequence = 0, ssrc = 5, payload = new Uint8Array(160).fill(0x55) }: Fields = {}) {
  const packet = new Uint8Array(RTP_FIXED_HEADER_BYTES + payload.length);
  writeRtpHeader(packet, false, 0, sequence & 0xffff, 160 * sequence, ssrc);
  packet.set(payload, RTP_FIXED_HEADER_BYTES);
  return packet;
}

function rtcp(ssrc = 5): Uint8Array {
  const packet = new Uint8Array(52).fill(3);
  packet.set([0x81, 200, 0, 12, 0, 0, 0, ssrc]);
  return packet;
}

/** A copy: results are valid until the next one only. */
const protect = (sender: SrtpSender, packet: Uint8Array): Uint8Array => {
  const sealed = sender.protectRtp(packet);
  if (sealed === undefined) throw new Error('refused');
  return sealed.slice();
};

describe.each(suites)('%s', (suite) => {
  const key = keyOf(suite);

  test('what is protected is read back, of any size, with contributors and extension', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1400 }),
        fc.nat(15),
        fc.option(fc.nat(3), { nil: undefined }),
        fc.nat(0xffff),
        fc.nat(0xffff_ffff),
        (payload, contributors, extensionWords, sequence, ssrc) => {
          const extension =
            extensionWords === undefined
              ? []
              : [0xbe, 0xde, 0, extensionWords, ...Array<number>(extensionWords * 4).fill(9)];
          const behind = [...Array<number>(contributors * 4).fill(8), ...extension, ...payload];
          const packet = rtp({ sequence, ssrc, payload: Uint8Array.from(behind) });
          packet[0] = 0x80 | contributors | (extensionWords === undefined ? 0 : 0x10);
          const sealed = protect(new SrtpSender(suite, key), packet);
          const clearBytes = packet.length - payload.length;
          expect(sealed.length).toBe(packet.length + SUITES[suite].rtpTagBytes);
          expect(sealed.subarray(0, clearBytes)).toEqual(packet.subarray(0, clearBytes));
          if (payload.length >= 8) {
            expect(sealed.subarray(clearBytes, packet.length)).not.toEqual(payload);
          }
          expect(new SrtpReceiver(suite, key).unprotectRtp(sealed)).toEqual(packet);
        },
      ),
    );
  });

  test('a stream is read over many turns of its number, though packets are lost or overtaken', () => {
    const sender = new SrtpSender(suite, key);
    const receiver = new SrtpReceiver(suite, key);
    const held: Uint8Array[] = [];
    let heard = 0;
    for (let number = 32_000; number < 3 * 65_536; number += number % 65_536 < 200 ? 1 : 97) {
      const packet = rtp({ sequence: number, payload: Uint8Array.of(number, number >> 8) });
      const sealed = protect(sender, packet);
      if (number % 65_536 > 65_400 && number % 3 === 0) held.push(sealed);
      else if (number % 7 > 0) heard += Number(receiver.unprotectRtp(sealed) !== undefined) - 1;
      if (number % 65_536 !== 150) continue;
      // From before the turn, heard after it.
      for (const late of held.splice(0)) {
        heard += Number(receiver.unprotectRtp(late) !== undefined) - 1;
      }
    }
    expect(heard).toBe(0);
  });

  test('a packet is taken once', () => {
    const sender = new SrtpSender(suite, key);
    const receiver = new SrtpReceiver(suite, key);
    const sealed = [0, 1, 2, 3].map((sequence) => protect(sender, rtp({ sequence })));
    const order = [0, 2, 2, 1, 3, 1, 0, 3];
    const taken = order.map((at) => receiver.unprotectRtp(sealed[at]!) !== undefined);
    expect(taken).toEqual([true, true, false, true, true, false, false, false]);
  });

  test('a packet of long ago is refused, one that is a little late is not', () => {
    const sender = new SrtpSender(suite, key);
    const receiver = new SrtpReceiver(suite, key);
    const sealed = Array.from({ length: 2000 }, (_, n) => protect(sender, rtp({ sequence: n })));
    receiver.unprotectRtp(sealed[0]!);
    receiver.unprotectRtp(sealed[1999]!);
    expect(receiver.unprotectRtp(sealed[1999 - 1023]!)).toBeDefined();
    expect(receiver.unprotectRtp(sealed[1999 - 1024]!)).toBeUndefined();
  });

  test('a packet that was changed anywhere is refused, and the right one is taken after it', () => {
    const sealed = protect(new SrtpSender(suite, key), rtp({ payload: Uint8Array.of(1, 2, 3) }));
    const receiver = new SrtpReceiver(suite, key);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(receiver.unprotectRtp(changed)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(receiver.unprotectRtp(sealed.subarray(0, length))).toBeUndefined();
    }
    expect(receiver.unprotectRtp(sealed)).toBeDefined();
  });

  test('packets of other keys are refused', () => {
    const receiver = new SrtpReceiver(suite, key);
    const sender = new SrtpSender(suite, keyOf(suite, 11));
    for (let sequence = 0; sequence < 50; sequence += 1) {
      expect(receiver.unprotectRtp(protect(sender, rtp({ sequence })))).toBeUndefined();
    }
    expect(receiver.unprotectRtcp(sender.protectRtcp(rtcp())!)).toBeUndefined();
  });

  test('reports are read back once each, and refused when they were changed', () => {
    const sender = new SrtpSender(suite, key);
    const receiver = new SrtpReceiver(suite, key);
    for (let report = 0; report < 5; report += 1) {
      const sealed = sender.protectRtcp(rtcp())!.slice();
      for (let bit = 0; bit < sealed.length * 8; bit += 7) {
        const changed = sealed.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(receiver.unprotectRtcp(changed)).toBeUndefined();
      }
      expect(receiver.unprotectRtcp(sealed)).toEqual(rtcp());
      expect(receiver.unprotectRtcp(sealed)).toBeUndefined();
    }
  });

  test('any bytes are refused', () => {
    const receiver = new SrtpReceiver(suite, key);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = 0x80 | (bytes[0]! & 0x3f);
        expect(receiver.unprotectRtp(bytes)).toBeUndefined();
        expect(receiver.unprotectRtcp(bytes)).toBeUndefined();
      }),
    );
    expect(receiver.unprotectRtp(new Uint8Array(65_507).fill(0x80))).toBeUndefined();
    expect(receiver.unprotectRtcp(new Uint8Array(65_507).fill(0x80))).toBeUndefined();
  });

  test('no number is sent twice', () => {
    const sender = new SrtpSender(suite, key);
    expect(sender.protectRtp(rtp({ sequence: 9 }))).toBeDefined();
    const another = rtp({ sequence: 9, payload: Uint8Array.of(1) });
    expect(sender.protectRtp(another)).toBeUndefined();
    expect(sender.protectRtp(rtp({ sequence: 10, ssrc: 6 }))).toBeUndefined();
    expect(sender.protectRtp(new Uint8Array(9_000).fill(0x80))).toBeUndefined();
    expect(sender.protectRtp(rtp({ sequence: 10 }))).toBeDefined();
  });

  test('a stream whose number began just below the end is read, though its first packets were lost', () => {
    const sender = new SrtpSender(suite, key);
    const receiver = new SrtpReceiver(suite, key);
    const sealed = [65_534, 65_535, 65_536, 65_537].map((n) =>
      protect(sender, rtp({ sequence: n })),
    );
    expect(receiver.unprotectRtp(sealed[2]!)).toBeDefined();
    expect(receiver.unprotectRtp(sealed[3]!)).toBeDefined();
    expect(receiver.unprotectRtp(sealed[1]!)).toBeDefined();
  });

  test('with new keys the count of turns goes on, or begins anew', () => {
    const [first, second] = [keyOf(suite, 3), keyOf(suite, 5)];
    const sender = new SrtpSender(suite, first);
    const before = new SrtpReceiver(suite, first);
    for (let n = 60_000; n < 3 * 65_536 + 40_000; n += 10_000) {
      expect(before.unprotectRtp(protect(sender, rtp({ sequence: n })))).toBeDefined();
    }
    const goesOn = new SrtpSender(suite, second);
    for (let n = 60_000; n < 3 * 65_536 + 50_000; n += 10_000)
      protect(goesOn, rtp({ sequence: n }));
    const after = new SrtpReceiver(suite, second, before);
    const late = protect(goesOn, rtp({ sequence: 3 * 65_536 + 50_001 }));
    expect(after.unprotectRtp(late)).toBeDefined();
    const anew = new SrtpSender(suite, second);
    const again = new SrtpReceiver(suite, second, before);
    expect(again.unprotectRtp(protect(anew, rtp({ sequence: 50_002 })))).toBeDefined();
  });

  test('many sources are followed, and no more than are kept', () => {
    const receiver = new SrtpReceiver(suite, key);
    for (let ssrc = 0; ssrc < 40; ssrc += 1) {
      const sealed = protect(new SrtpSender(suite, key), rtp({ ssrc, sequence: 1 }));
      expect(receiver.unprotectRtp(sealed)).toBeDefined();
      expect(receiver.unprotectRtp(sealed)).toBeUndefined();
    }
  });
});

test('a key of the wrong length makes nothing', () => {
  expect(() => new SrtpSender('AEAD_AES_256_GCM', new Uint8Array(30))).toThrow(RangeError);
  expect(() => new SrtpReceiver('AES_CM_128_HMAC_SHA1_80', new Uint8Array(29))).toThrow(RangeError);
});
