import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeALaw, encodeMuLaw, g711Samples } from '../g711/g711.ts';
import { readWavFile } from './wav-file.ts';
import { WavMono } from './wav-mono.ts';

type Kind = { readonly tag: number; readonly bytes: number; readonly bits?: number };

/** Writes a 16-bit value in one of the encodings; what of it cannot be kept is cut off. */
function put(view: DataView, at: number, { tag, bytes }: Kind, value: number): void {
  if (tag === 3 && bytes === 4) view.setFloat32(at, value / 32_768, true);
  else if (tag === 3) view.setFloat64(at, value / 32_768, true);
  else if (tag === 6) view.setUint8(at, encodeALaw(value));
  else if (tag === 7) view.setUint8(at, encodeMuLaw(value));
  else if (bytes === 1) view.setUint8(at, (value >> 8) + 128);
  else view.setInt16(at + bytes - 2, value, true);
}

/** What the encoding keeps of a 16-bit value. */
function kept({ tag, bytes }: Kind, value: number): number {
  if (tag === 6) return g711Samples('PCMA')[encodeALaw(value)]!;
  if (tag === 7) return g711Samples('PCMU')[encodeMuLaw(value)]!;
  return tag === 1 && bytes === 1 ? (value >> 8) * 256 : value;
}

function chunk(tag: string, content: Uint8Array, statedBytes = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(tag, 'latin1');
  head.writeUInt32LE(statedBytes, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length & 1)]);
}

function format(kind: Kind, channels: number, isExtensible: boolean): Buffer {
  const content = Buffer.alloc(isExtensible ? 40 : 18);
  content.writeUInt16LE(isExtensible ? 0xfffe : kind.tag);
  content.writeUInt16LE(channels, 2);
  content.writeUInt32LE(8_000, 4);
  content.writeUInt32LE(8_000 * channels * kind.bytes, 8);
  content.writeUInt16LE(channels * kind.bytes, 12);
  content.writeUInt16LE(kind.bits ?? kind.bytes * 8, 14);
  if (isExtensible) {
    content.writeUInt16LE(22, 16);
    content.writeUInt16LE(kind.tag, 24);
  }
  return chunk('fmt ', content);
}

function riff(...chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from('RIFF\xff\xff\xff\xffWAVE', 'latin1'), ...chunks]);
}

function samplesOf(kind: Kind, frames: readonly (readonly number[])[]): Buffer {
  const data = Buffer.alloc(frames.flat().length * kind.bytes);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  frames.flat().forEach((value, index) => {
    put(view, index * kind.bytes, kind, value);
  });
  return data;
}

function monoOf(bytes: Uint8Array): Int16Array {
  const file = readWavFile(bytes);
  if (!file.ok) throw new Error(file.defect);
  const mono = new WavMono(file.value);
  const samples = new Int16Array(mono.samples);
  mono.read(0, mono.samples, samples);
  return samples;
}

const KINDS: readonly (readonly [string, Kind])[] = [
  ['PCM of 8 bits', { tag: 1, bytes: 1 }],
  ['PCM of 16 bits', { tag: 1, bytes: 2 }],
  ['PCM of 24 bits', { tag: 1, bytes: 3 }],
  ['PCM of 20 bits in three bytes', { tag: 1, bytes: 3, bits: 20 }],
  ['PCM of 24 bits in four bytes', { tag: 1, bytes: 4, bits: 24 }],
  ['PCM of 32 bits', { tag: 1, bytes: 4 }],
  ['floats of 32 bits', { tag: 3, bytes: 4 }],
  ['floats of 64 bits', { tag: 3, bytes: 8 }],
  ['A-law', { tag: 6, bytes: 1 }],
  ['µ-law', { tag: 7, bytes: 1 }],
];

test.each(KINDS)('%s, of any number of channels, is the mean of them', (_name, kind) => {
  const channelsAndFrames = fc.integer({ min: 1, max: 9 }).chain((channels) =>
    fc.array(
      fc.array(fc.integer({ min: -32_768, max: 32_767 }), {
        minLength: channels,
        maxLength: channels,
      }),
      { minLength: 1, maxLength: 20 },
    ),
  );
  fc.assert(
    fc.property(channelsAndFrames, fc.boolean(), (frames, isExtensible) => {
      const channels = frames[0]!.length;
      const bytes = riff(
        chunk('LIST', Buffer.from('odd')),
        format(kind, channels, isExtensible),
        chunk('data', samplesOf(kind, frames)),
        chunk('id3 ', Buffer.from('behind')),
      );
      const means = frames.map(
        (frame) => frame.reduce((sum, value) => sum + kept(kind, value), 0) / channels,
      );
      const samples = monoOf(bytes);
      expect(samples).toHaveLength(frames.length);
      means.forEach((mean, at) => {
        expect(Math.abs(samples[at]! - mean)).toBeLessThanOrEqual(0.5);
      });
    }),
  );
});

test('what is louder than 16 bits is clipped, and no number is silence', () => {
  const data = Buffer.alloc(20);
  [1.5, -7, NaN, Infinity, 0.5].forEach((value, at) => data.writeFloatLE(value, at * 4));
  const bytes = riff(format({ tag: 3, bytes: 4 }, 1, false), chunk('data', data));
  expect([...monoOf(bytes)]).toEqual([32_767, -32_768, 0, 32_767, 16_384]);
});

test('a part is read as the whole is', () => {
  const kind = { tag: 1, bytes: 3 };
  const frames = Array.from({ length: 50 }, (_, at) => [at * 100, -at]);
  const file = readWavFile(riff(format(kind, 2, false), chunk('data', samplesOf(kind, frames))));
  const mono = new WavMono((file as Extract<typeof file, { ok: true }>).value);
  const part = new Int16Array(3);
  mono.read(20, 23, part);
  expect([...part]).toEqual([990, 1040, 1089]);
});

describe('a file that was written into a pipe', () => {
  const kind = { tag: 1, bytes: 2 };
  const data = samplesOf(kind, [[1], [2], [3], [4]]);
  test.each([0, 0xffff_ffff, 0x7fff_f000])('and says %i bytes goes on to its end', (stated) => {
    const bytes = riff(format(kind, 1, false), chunk('data', data, stated));
    expect([...monoOf(bytes)]).toEqual([1, 2, 3, 4]);
    // Half a sample at the end is none.
    expect([...monoOf(bytes.subarray(0, -1))]).toEqual([1, 2, 3]);
  });

  test('is not one whose samples are none and followed by a chunk', () => {
    const empty = chunk('data', Buffer.alloc(0));
    const bytes = riff(format(kind, 1, false), empty, chunk('LIST', Buffer.from('text')));
    expect(monoOf(bytes)).toHaveLength(0);
    expect(monoOf(riff(format(kind, 1, false), empty))).toHaveLength(0);
  });
});

test.each([
  ['ADPCM', { tag: 2, bytes: 1 }, 1, 'unsupported-encoding'],
  ['MP3 in RIFF', { tag: 0x55, bytes: 1, bits: 0 }, 1, 'unsupported-encoding'],
  ['PCM of 64 bits', { tag: 1, bytes: 8 }, 1, 'unsupported-encoding'],
  ['PCM of no bits', { tag: 1, bytes: 0 }, 1, 'unsupported-encoding'],
  ['floats of 16 bits', { tag: 3, bytes: 2 }, 1, 'unsupported-encoding'],
  ['no channel', { tag: 1, bytes: 2 }, 0, 'unsupported-shape'],
] as const)('%s is refused', (_name, kind, channels, expected) => {
  const bytes = riff(format(kind, channels, false), chunk('data', Buffer.alloc(8)));
  expect(readWavFile(bytes)).toEqual({ ok: false, defect: expected });
});
