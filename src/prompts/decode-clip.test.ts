import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutated } from '../../test/support/mutated.ts';
import { TapedeckError } from '../core/error.ts';
import { Mp3Encoder } from '../media/mp3/mp3-encoder.ts';
import { sine } from '../media/tone/sine.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { decodeClip } from './decode-clip.ts';

function wav(sampleRateHz: number, samples: Int16Array, channels = 1): Uint8Array {
  const header = wavHeader({ sampleRateHz, channels }, samples.byteLength);
  const bytes = new Uint8Array(header.length + samples.byteLength);
  bytes.set(header);
  const view = new DataView(bytes.buffer, header.length);
  samples.forEach((sample, at) => {
    view.setInt16(at * 2, sample, true);
  });
  return bytes;
}

async function mp3(samples: Int16Array): Promise<Uint8Array> {
  const encoder = await Mp3Encoder.create();
  const body = [encoder.encode(samples, 0, samples.length).slice(), encoder.finish().slice()];
  return Buffer.concat([encoder.header(), ...body]);
}

test('WAV of 16 kHz is taken as it is, into memory that threads share', async () => {
  const samples = Int16Array.from({ length: 40_000 }, (_, at) => ((at * 31) % 30_000) - 15_000);
  const clip = await decodeClip(wav(16_000, samples));
  expect(clip.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(clip).toEqual(samples);
});

test.each([8_000, 11_025, 22_050, 44_100, 48_000, 192_000])(
  'WAV of %i Hz is as long in time, and its tone stands where it stood',
  async (rateHz) => {
    const tone = { frequencyHz: 997, amplitude: 12_000 };
    const clip = await decodeClip(wav(rateHz, sine(tone, rateHz, rateHz)));
    expect(Math.abs(clip.length - 16_000)).toBeLessThanOrEqual(1);
    const ideal = sine(tone, 16_000, 16_000);
    let noise = 0;
    for (let at = 200; at < 15_800; at += 1) noise += (clip[at]! - ideal[at]!) ** 2;
    const signal = 15_600 * (12_000 ** 2 / 2);
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(60);
  },
);

test('channels become one', async () => {
  const stereo = Int16Array.from({ length: 2_000 }, (_, at) => (at % 2 === 0 ? 1_000 : -400));
  const clip = await decodeClip(wav(16_000, stereo, 2));
  expect(clip).toEqual(new Int16Array(1_000).fill(300));
});

test('MP3 is as long as what was encoded, and in shared memory too', async () => {
  const samples = sine({ frequencyHz: 440, amplitude: 10_000 }, 16_000, 20_000);
  const clip = await decodeClip(await mp3(samples));
  expect(clip.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(clip).toHaveLength(20_000);
  const worst = clip.reduce(
    (most, at, i) => Math.max(most, i < 600 ? 0 : Math.abs(at - samples[i]!)),
    0,
  );
  expect(worst).toBeLessThan(1_500);
});

describe('what cannot be read is refused, by its name', () => {
  const layer2 = Buffer.alloc(96);
  layer2.set([0xff, 0xfd, 0x14, 0xc0]);
  const eightBits = wav(16_000, new Int16Array(8));
  eightBits[20] = 2;
  test.each<[string, Uint8Array]>([
    ['The file is empty; what can be played is WAV and MP3.', Buffer.alloc(0)],
    ['The file is an Ogg file; what can be played is WAV and MP3.', Buffer.from('OggS more')],
    ['The file is an MP4 or M4A file; what', Buffer.from('\0\0\0\x20ftypM4A ')],
    ['The file is AAC; what', Buffer.from([0xff, 0xf1, 0x50, 0x80, 0, 0, 0])],
    ['The file is a web page; what', Buffer.from('\ufeff \n<!DOCTYPE html><p>')],
    ['The file is a text, not audio; what', Buffer.from('{"error":"expired"}')],
    ['The file is neither WAV nor MP3; what', Buffer.alloc(5_000, 0xff)],
    ['The file is MPEG audio of layer I or II, not MP3.', Buffer.concat([layer2, layer2])],
    ['The WAV file is neither PCM of 8, 16, 24 or 32 bits, nor', eightBits],
    [
      'The WAV file is of 7999 Hz; what can be played has 8000 to 192000',
      wav(7_999, new Int16Array(9)),
    ],
    ['The WAV file is of 192001 Hz', wav(192_001, new Int16Array(9))],
    ['The WAV file has no samples.', wav(16_000, new Int16Array(9)).subarray(0, 36)],
    ['The WAV file does not say its format', wav(16_000, new Int16Array(9)).subarray(0, 20)],
    ['The file holds no sound.', wav(16_000, new Int16Array(0))],
    ['The file is longer than 60 minutes.', muLaw(8_000 * 3_600 + 1)],
  ])('%s', async (message, bytes) => {
    const decoding = decodeClip(bytes);
    await expect(decoding).rejects.toMatchObject({ code: 'prompt-format' });
    await expect(decoding).rejects.toThrow(message);
  });
});

function muLaw(samples: number): Uint8Array {
  const bytes = Buffer.alloc(44 + samples);
  bytes.set(wavHeader({ sampleRateHz: 8_000, channels: 1 }, undefined));
  bytes.writeUInt16LE(7, 20);
  bytes.writeUInt16LE(8, 34);
  return bytes;
}

const SOURCES = ['nothing', 'wav', 'mp3'] as const;

test.each(SOURCES)(
  'whatever was made of %s is a clip or refused; nothing else is thrown',
  async (source) => {
    const samples = sine({ frequencyHz: 440, amplitude: 10_000 }, 16_000, 3_000);
    const whole = {
      nothing: Buffer.alloc(1),
      wav: wav(44_100, samples, 2),
      mp3: await mp3(samples),
    }[source];
    const numbers = fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(numbers, async (stream) => {
        const bytes = mutated(whole, () => Number(stream.next().value));
        try {
          expect((await decodeClip(bytes)).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(TapedeckError);
          expect(error).toMatchObject({ code: 'prompt-format' });
        }
      }),
      { numRuns: 300 },
    );
  },
);
