import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RtpHeaderReader, rewriteRtpHeader, writeRtpHeader } from './header.ts';

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe('the RTP header reader', () => {
  test('takes a datagram without options exactly when it has 12 bytes and version 2', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 11, maxLength: 13 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = (bytes[0] ?? 0) & 0xc0;
        const isRtp = bytes.length >= 12 && (bytes[0] ?? 0) >> 6 === 2;
        expect(new RtpHeaderReader().read(bytes)).toBe(isRtp);
      }),
    );
  });

  test('reads what was written, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 0, max: 127 }),
        uint16,
        uint32,
        uint32,
        fc.uint8Array({ maxLength: 20 }),
        (marker, payloadType, sequenceNumber, timestamp, ssrc, payload) => {
          const bytes = new Uint8Array(12 + payload.length);
          writeRtpHeader(bytes, marker, payloadType, sequenceNumber, timestamp, ssrc);
          bytes.set(payload, 12);
          const reader = new RtpHeaderReader();
          expect(reader.read(bytes)).toBe(true);
          expect(reader).toMatchObject({
            marker,
            payloadType,
            sequenceNumber,
            timestamp,
            ssrc,
            payloadOffset: 12,
            payloadBytes: payload.length,
          });
        },
      ),
    );
  });

  test('never places the payload outside of the datagram, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80;
        const reader = new RtpHeaderReader();
        if (!reader.read(bytes)) return;
        expect(reader.payloadOffset).toBeGreaterThanOrEqual(12);
        expect(reader.payloadBytes).toBeGreaterThanOrEqual(0);
        expect(reader.payloadOffset + reader.payloadBytes).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('skips contributors and the extension, and takes padding off', () => {
    const bytes = new Uint8Array(12 + 8 + 4 + 4 + 5 + 3);
    bytes[0] = 0x80 | 0x20 | 0x10 | 2;
    bytes[12 + 8 + 3] = 1;
    bytes[bytes.length - 1] = 3;
    const reader = new RtpHeaderReader();
    expect(reader.read(bytes)).toBe(true);
    expect([reader.payloadOffset, reader.payloadBytes]).toEqual([28, 5]);
  });

  test.each([
    ['padding longer than the payload', [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 3]],
    ['padding of no bytes', [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0]],
    ['an extension that is cut off', [0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['contributors that are cut off', [0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('refuses %s', (_what, bytes) => {
    expect(new RtpHeaderReader().read(Uint8Array.from(bytes))).toBe(false);
  });

  test('a rewrite keeps marker, options and payload', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 40 }),
        uint16,
        uint32,
        (bytes, a, b) => {
          bytes[0] = 0x80;
          const before = bytes.slice();
          rewriteRtpHeader(bytes, 101, a, b, 7);
          const reader = new RtpHeaderReader();
          reader.read(bytes);
          expect([
            reader.payloadType,
            reader.sequenceNumber,
            reader.timestamp,
            reader.ssrc,
          ]).toEqual([101, a, b, 7]);
          expect((bytes[1] ?? 0) & 0x80).toBe((before[1] ?? 0) & 0x80);
          expect(bytes.subarray(12)).toEqual(before.subarray(12));
        },
      ),
    );
  });
});
