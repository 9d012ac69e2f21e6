import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMuLaw } from '../g711/g711.ts';
import { wavHeader, wavHeaderBytes } from './wav-header.ts';
import { readWav } from './wav-reader.ts';

function wavFile(sampleRateHz: number, channels: number, samples: Int16Array): Uint8Array {
  const headerBytes = wavHeaderBytes(channels);
  const file = new Uint8Array(headerBytes + samples.byteLength);
  file.set(wavHeader({ sampleRateHz, channels }, samples.byteLength));
  const view = new DataView(file.buffer);
  samples.forEach((sample, at) => view.setInt16(headerBytes + at * 2, sample, true));
  return file;
}

describe('a WAV file', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8000, max: 48_000 }),
        fc.integer({ min: 1, max: 32 }),
        fc.int16Array({ maxLength: 64 }),
        (sampleRateHz, channels, all) => {
          const samples = all.subarray(0, all.length - (all.length % channels));
          const clip = readWav(wavFile(sampleRateHz, channels, samples), { maxChannels: 32 });
          expect(clip).toEqual({ ok: true, value: { sampleRateHz, channels, samples } });
        },
      ),
    );
  });

  test('of more than two channels is extensible PCM, of no loudspeakers', () => {
    const header = wavHeader({ sampleRateHz: 16_000, channels: 5 }, 1000);
    const expected = Buffer.concat([
      Buffer.from('RIFF'),
      Buffer.from('24040000', 'hex'), // 1000 + 68 − 8
      Buffer.from('WAVEfmt '),
      Buffer.from('28000000' + 'feff' + '0500' + '803e0000' + '00710200' + '0a00' + '1000', 'hex'),
      // 22 bytes follow: 16 valid bits, no speakers, KSDATAFORMAT_SUBTYPE_PCM.
      Buffer.from('1600' + '1000' + '00000000' + '0100000000001000800000aa00389b71', 'hex'),
      Buffer.from('data'),
      Buffer.from('e8030000', 'hex'),
    ]);
    expect(Buffer.from(header)).toEqual(expected);
  });

  test('that still grows is read to where it ends', () => {
    const file = wavFile(16_000, 1, Int16Array.of(1, -2, 3));
    file.set(wavHeader({ sampleRateHz: 16_000, channels: 1 }, undefined));
    const clip = readWav(file);
    expect(clip.ok && clip.value.samples).toEqual(Int16Array.of(1, -2, 3));
  });

  test('too large for 32 bits has open sizes', () => {
    const view = new DataView(wavHeader({ sampleRateHz: 16_000, channels: 1 }, 2 ** 33).buffer);
    expect([view.getUint32(4, true), view.getUint32(40, true)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  });

  test('may hold µ-law and other chunks of odd length', () => {
    const codes = Uint8Array.of(encodeMuLaw(1000), encodeMuLaw(-1000));
    const file = new Uint8Array(12 + 8 + 18 + 8 + 4 + 8 + 2);
    file.set(wavHeader({ sampleRateHz: 8000, channels: 1 }, 2).subarray(0, 36));
    const view = new DataView(file.buffer);
    view.setUint32(16, 18, true);
    view.setUint16(20, 7, true);
    view.setUint16(34, 8, true);
    file.set(new TextEncoder().encode('LIST\u0003\0\0\0abc\0data\u0002\0\0\0'), 38);
    file.set(codes, file.length - 2);
    const clip = readWav(file);
    expect(clip.ok && [...clip.value.samples].map((s) => Math.round(s / 100))).toEqual([10, -10]);
  });

  test.each([
    ['an unknown encoding', 20, 3, 'unsupported-encoding'],
    ['eight-bit PCM', 34, 8, 'unsupported-encoding'],
    ['six channels', 22, 6, 'unsupported-shape'],
    ['no channel', 22, 0, 'unsupported-shape'],
    ['a rate of 0', 24, 0, 'unsupported-shape'],
  ])('of %s is refused', (_what, at, value, name) => {
    const file = wavFile(8000, 1, new Int16Array(4));
    new DataView(file.buffer).setUint16(at, value, true);
    expect(readWav(file)).toEqual({ ok: false, defect: name });
  });

  test('longer than the limit is refused before its samples are copied', () => {
    const file = wavFile(8000, 1, new Int16Array(81));
    expect(readWav(file, { maxDurationMs: 10 })).toEqual({ ok: false, defect: 'too-long' });
    expect(readWav(file, { maxDurationMs: 11 }).ok).toBe(true);
  });

  test('of any bytes is a clip or a defect, never an exception', () => {
    const whole = wavFile(
      8000,
      2,
      Int16Array.from({ length: 20 }, (_, at) => at),
    );
    fc.assert(
      fc.property(
        fc.nat({ max: whole.length }),
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }))),
        (length, changes) => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          const clip = readWav(bytes.subarray(0, length));
          if (clip.ok) expect(clip.value.samples.length).toBeLessThanOrEqual(length);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
