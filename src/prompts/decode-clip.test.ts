import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { decodeClip } from './decode-clip.ts';

function wav(sampleRateHz: number, samples: Int16Array): Uint8Array {
  const header = wavHeader({ sampleRateHz, channels: 1 }, samples.byteLength);
  const bytes = new Uint8Array(header.length + samples.byteLength);
  bytes.set(header);
  const view = new DataView(bytes.buffer, header.length);
  samples.forEach((sample, at) => {
    view.setInt16(at * 2, sample, true);
  });
  return bytes;
}

test('WAV of 16 kHz is taken as it is, into memory that threads share', () => {
  const samples = Int16Array.from({ length: 1_000 }, (_, at) => at * 31 - 15_000);
  const clip = decodeClip(wav(16_000, samples));
  expect(clip.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect([...clip]).toEqual([...samples]);
});

test('anything else is refused, and nothing else is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(decodeClip(bytes)).toBeInstanceOf(Int16Array);
      } catch (error) {
        expect(error).toBeInstanceOf(TapedeckError);
        expect(error).toMatchObject({ code: 'prompt-format' });
      }
    }),
  );
});
