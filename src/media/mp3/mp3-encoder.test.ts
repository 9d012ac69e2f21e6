import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readInfoTag, readMp3Frames } from '../../../test/support/mp3-frames.ts';
import { Mp3Encoder } from './mp3-encoder.ts';

const RATE_HZ = 16_000;
const FRAME_SAMPLES = 576;

describe('the file', () => {
  test('is frames of 216 bytes at 48 kbit/s and 16 kHz mono from end to end, none padded', async () => {
    const file = await encodeWhole(noise(RATE_HZ * 3, 1));
    const frames = readMp3Frames(file);
    for (const { mpeg, bitRateKbit, sampleRateHz, channels, samples, isPadded, bytes } of frames) {
      expect({ mpeg, bitRateKbit, sampleRateHz, channels, samples, isPadded }).toEqual({
        mpeg: 2,
        bitRateKbit: 48,
        sampleRateHz: RATE_HZ,
        channels: 1,
        samples: FRAME_SAMPLES,
        isPadded: false,
      });
      expect(bytes).toHaveLength(216);
    }
    expect(frames[1]?.mainDataBegin).toBe(0);
  });

  test.each([0, 1, 575, 576, 577, 1151, 1152, 16_000, 47_999])(
    'of %i samples says how many are before and behind them',
    async (count) => {
      const file = await encodeWhole(noise(count, 2));
      const frames = readMp3Frames(file).length - 1;
      const tag = readInfoTag(file);
      expect(tag).toMatchObject({
        name: 'Info',
        flags: 15,
        frames,
        bytes: file.length,
        musicBytes: file.length,
        encoder: 'LAME3.100',
        method: 1,
        bitRateKbit: 48,
        delaySamples: 576,
        paddingSamples: frames * FRAME_SAMPLES - 576 - count,
      });
      // A decoder is late by 529 samples more, which must be in the file too.
      expect(tag.paddingSamples).toBeGreaterThanOrEqual(529);
    },
  );

  test('carries checksums of its audio and of its tag', async () => {
    const tag = readInfoTag(await encodeWhole(noise(20_000, 3)));
    expect(tag.musicCrc).toBe(tag.expectedMusicCrc);
    expect(tag.tagCrc).toBe(tag.expectedTagCrc);
  });

  test('tells where each hundredth of it begins, to one in 256 and a frame', async () => {
    const file = await encodeWhole(noise(RATE_HZ * 10, 4));
    const { frames, seekTable } = readInfoTag(file);
    seekTable.forEach((value, percent) => {
      const trueByte = 216 * (1 + (percent * frames) / 100);
      expect(Math.abs((value * file.length) / 256 - trueByte)).toBeLessThan(
        file.length / 256 + 216,
      );
    });
  });
});

describe('the bytes', () => {
  test('do not depend on how the samples are divided over calls, nor on other encoders at work', async () => {
    const samples = noise(12_000, 5);
    const whole = await encodeWhole(samples);
    const other = noise(4_000, 6);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3_000 })), async (steps) => {
        const [encoder, rival] = [await Mp3Encoder.create(), await Mp3Encoder.create()];
        const parts: Uint8Array[] = [];
        let from = 0;
        for (const step of [...steps, samples.length]) {
          const to = Math.min(samples.length, from + step);
          parts.push(encoder.encode(samples, from, to).slice());
          rival.encode(other, 0, other.length);
          from = to;
        }
        parts.push(encoder.finish().slice());
        expect(Buffer.concat([encoder.header(), ...parts]).equals(whole)).toBe(true);
        rival.close();
      }),
      { numRuns: 30 },
    );
  });

  test('are right for each of many encoders that take turns', async () => {
    const contents = Array.from({ length: 12 }, (_, seed) => noise(9_000, 10 + seed));
    const alone: Uint8Array[] = [];
    for (const samples of contents) alone.push(await encodeWhole(samples));
    const encoders = await Promise.all(contents.map(() => Mp3Encoder.create()));
    const parts = contents.map((): Uint8Array[] => []);
    for (let from = 0; from < 9_000; from += 900) {
      contents.forEach((samples, index) => {
        parts[index]!.push(encoders[index]!.encode(samples, from, from + 900).slice());
      });
    }
    encoders.forEach((encoder, index) => {
      parts[index]!.push(encoder.finish().slice());
      const file = Buffer.concat([encoder.header(), ...parts[index]!]);
      expect(file.equals(alone[index]!)).toBe(true);
    });
  });

  test('stay valid while other encoders work', async () => {
    const [first, second] = [await Mp3Encoder.create(), await Mp3Encoder.create()];
    const bytes = first.encode(noise(16_000, 20), 0, 16_000);
    const before = bytes.slice();
    second.encode(noise(16_000, 21), 0, 16_000);
    expect(bytes.length).toBeGreaterThan(4_000);
    expect(Buffer.compare(bytes, before)).toBe(0);
    first.close();
    second.close();
  });
});

describe('an encoder', () => {
  test('holds less than 64 KiB while others are at work', async () => {
    const samples = noise(RATE_HZ * 4, 30);
    const encoders = [await Mp3Encoder.create(), await Mp3Encoder.create()];
    for (let from = 0; from < samples.length; from += RATE_HZ) {
      for (const encoder of encoders) encoder.encode(samples, from, from + RATE_HZ);
    }
    expect(encoders[0]!.heldBytes).toBeGreaterThan(16 * 1024);
    expect(encoders[0]!.heldBytes).toBeLessThan(64 * 1024);
  });

  test('takes nothing after its end, and knows its header only then', async () => {
    const encoder = await Mp3Encoder.create();
    expect(() => encoder.header()).toThrow('not finished');
    encoder.finish();
    expect(encoder.header()).toHaveLength(encoder.headerBytes);
    expect(() => encoder.encode(noise(10, 1), 0, 10)).toThrow('not open');
    encoder.close();
    encoder.close();
    expect(() => encoder.finish()).toThrow('not open');
  });
});

async function encodeWhole(samples: Int16Array): Promise<Uint8Array> {
  const encoder = await Mp3Encoder.create();
  const body = [encoder.encode(samples, 0, samples.length).slice(), encoder.finish().slice()];
  return Buffer.concat([encoder.header(), ...body]);
}

/** Noise that swells, so that the encoder's effort changes from frame to frame. */
function noise(count: number, seed: number): Int16Array {
  let state = seed;
  return Int16Array.from({ length: count }, (_, at) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return ((state >> 16) * (1 + Math.sin(at / 700 + seed))) / 4;
  });
}
