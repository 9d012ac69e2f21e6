import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHeader, readHeader } from './segment-header.ts';

const header = fc.record({
  segment: fc.nat(0xffff_ffff),
  previousCrc: fc.nat(0xffff_ffff),
  previousBytes: fc.maxSafeNat(),
  startedWallUs: fc.maxSafeNat(),
  startedMonotonicUs: fc.maxSafeNat(),
  recordingId: fc.string({ unit: 'grapheme', maxLength: 40 }),
  nodeId: fc.string({ unit: 'grapheme', maxLength: 40 }),
});

test('a header is read as it was written, whatever stands behind it', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 8 }), (written, behind) => {
      const bytes = encodeHeader(written);
      expect(readHeader(Buffer.concat([bytes, behind]))).toEqual({
        ok: true,
        value: {
          ...written,
          majorVersion: 1,
          minorVersion: 0,
          headerBytes: bytes.byteLength,
          crc: Buffer.from(bytes).readUInt32LE(bytes.byteLength - 4),
        },
      });
    }),
  );
});

test('a header cut anywhere is incomplete', () => {
  fc.assert(
    fc.property(header, fc.nat(), (written, cut) => {
      const bytes = encodeHeader(written);
      const part = bytes.subarray(0, cut % bytes.byteLength);
      expect(readHeader(part)).toEqual({ ok: false, defect: 'header-incomplete' });
    }),
  );
});

test('any bytes are a header or a named defect', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(typeof readHeader(bytes).ok).toBe('boolean');
      const withMagic = Buffer.concat([Buffer.from('TDJOURNL'), bytes]);
      expect(readHeader(withMagic).ok).toBe(false);
    }),
  );
});
