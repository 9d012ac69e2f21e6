import { createMp3Encoder } from 'wasm-media-encoders';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutated } from '../../../test/support/mutated.ts';
import { sine } from '../tone/sine.ts';
import { Mp3Decoder } from './mp3-decoder.ts';
import { Mp3Encoder } from './mp3-encoder.ts';
import { readMp3 } from './mp3-file.ts';

const LIMITS = { maxDurationMs: 60_000 };
/** Of our own files: the header's frame, and each that follows. */
const FRAME_BYTES = 216;

async function encoded(samples: Int16Array): Promise<Uint8Array> {
  const encoder = await Mp3Encoder.create();
  const body = [encoder.encode(samples, 0, samples.length).slice(), encoder.finish().slice()];
  return Buffer.concat([encoder.header(), ...body]);
}

async function decoded(bytes: Uint8Array): Promise<Int16Array> {
  const file = readMp3(bytes, LIMITS);
  if (!file.ok) throw new Error(file.defect);
  const decoder = await Mp3Decoder.create(bytes, file.value);
  return Int16Array.from([...decoder.blocks()].flatMap((block) => [...block]));
}

/** Two tones that no shift of less than a second leaves as they are. */
function sound(count: number, rateHz = 16_000): Int16Array {
  const low = sine({ frequencyHz: 301, amplitude: 9_000 }, rateHz, count);
  const high = sine({ frequencyHz: 1_709, amplitude: 5_000 }, rateHz, count);
  return low.map((sample, at) => sample + high[at]!);
}

function snrDb(actual: Int16Array, ideal: Int16Array, from = 0, to = ideal.length): number {
  let signal = 0;
  let noise = 0;
  for (let at = from; at < to; at += 1) {
    signal += ideal[at]! ** 2;
    noise += (actual[at]! - ideal[at]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

describe('a file with the header that tells its ends', () => {
  test.each([1, 575, 5_000, 16_000, 47_999])(
    'of %i samples has these and no other',
    async (count) => {
      const samples = sound(count);
      const back = await decoded(await encoded(samples));
      expect(back).toHaveLength(count);
      if (count >= 5_000) expect(snrDb(back, samples, 600, count - 600)).toBeGreaterThan(25);
    },
  );

  test('is the same behind tags with pictures, and before tags', async () => {
    const samples = sound(8_000);
    const file = await encoded(samples);
    const picture = Buffer.concat([
      file.subarray(0, 3 * FRAME_BYTES),
      Buffer.alloc(200 * 128 - 648),
    ]);
    const tag = Buffer.concat([
      Buffer.from([0x49, 0x44, 0x33, 4, 0, 0x10, 0, 1, 0x48, 0]),
      picture,
      Buffer.alloc(10),
    ]);
    const end = Buffer.alloc(128);
    end.write('TAG');
    const plain = await decoded(file);
    expect(await decoded(Buffer.concat([tag, tag, file, end]))).toEqual(plain);
    expect(plain).toHaveLength(8_000);
  });
});

test('a file without one is all of its frames', async () => {
  const file = await encoded(sound(8_000));
  const frames = file.length / FRAME_BYTES - 1;
  expect(await decoded(file.subarray(FRAME_BYTES))).toHaveLength(frames * 576);
});

test('two channels of a variable bit rate are one, the mean of them', async () => {
  const rateHz = 44_100;
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: rateHz, channels: 2, vbrQuality: 3 });
  const left = Float32Array.from(sine({ frequencyHz: 440, amplitude: 16_000 }, rateHz, rateHz));
  const parts = [
    encoder.encode([left.map((sample) => sample / 32_768), new Float32Array(rateHz)]).slice(),
    encoder.finalize().slice(),
  ];
  const bytes = Buffer.concat(parts);
  expect(readMp3(bytes, LIMITS)).toMatchObject({ value: { sampleRateHz: rateHz } });
  const mono = await decoded(bytes);
  expect(mono.length).toBeGreaterThan(rateHz);
  const middle = mono.subarray(10_000, 30_000);
  expect(Math.max(...middle)).toBeGreaterThan(7_800);
  expect(Math.max(...middle)).toBeLessThan(8_200);
});

test('a cut file is what is left of it, and bytes between frames are passed over', async () => {
  const samples = sound(16_000);
  const file = await encoded(samples);
  const cut = await decoded(file.subarray(0, 15 * FRAME_BYTES - 1));
  // The header's frame and the last, which is not whole, hold no sound; the delay is taken off.
  expect(cut).toHaveLength(13 * 576 - 576 - 529);
  expect(snrDb(cut, samples, 600, 6_000)).toBeGreaterThan(25);
  const at = 15 * FRAME_BYTES;
  const broken = Buffer.concat([file.subarray(0, at), Buffer.alloc(500, 0xff), file.subarray(at)]);
  const back = await decoded(broken);
  expect(back).toHaveLength(16_000);
  expect(snrDb(back, samples, 600, 15_000)).toBeGreaterThan(25);
});

test('what is too long is refused by its frames, before any of them is decoded', async () => {
  const file = await encoded(sound(32_000));
  expect(readMp3(file, { maxDurationMs: 2_000 }).ok).toBe(true);
  expect(readMp3(file, { maxDurationMs: 1_999 })).toEqual({ ok: false, defect: 'too-long' });
});

test('headers of other layers and of no sound are told apart', async () => {
  const header = (await encoded(sound(1))).subarray(0, FRAME_BYTES);
  expect(readMp3(header, LIMITS)).toEqual({ ok: false, defect: 'no-sound' });
  // MPEG-1 layer II, 32 kbit/s at 48 kHz: 96 bytes.
  const layer2 = Buffer.alloc(96);
  layer2.set([0xff, 0xfd, 0x14, 0xc0]);
  expect(readMp3(Buffer.concat([layer2, layer2]), LIMITS)).toMatchObject({ defect: 'other-layer' });
  expect(readMp3(Buffer.alloc(5_000, 'text'), LIMITS)).toMatchObject({ defect: 'not-mp3' });
});

test('of damaged files comes at most what they promise; nothing is thrown and nothing hangs', async () => {
  const file = await encoded(sound(8_000));
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })),
      async (numbers) => {
        let bytes = file;
        const random = (): number => Number(numbers.next().value);
        for (let times = 1 + Math.floor(random() * 5); times > 0; times -= 1) {
          bytes = mutated(bytes, random);
          if (bytes.length === 0) break;
        }
        const read = readMp3(bytes, LIMITS);
        if (!read.ok) return;
        const decoder = await Mp3Decoder.create(bytes, read.value);
        let samples = 0;
        for (const block of decoder.blocks()) samples += block.length;
        expect(samples).toBeLessThanOrEqual(read.value.soundSamples);
      },
    ),
    { numRuns: 150 },
  );
});
