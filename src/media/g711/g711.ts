import type { G711Codec } from '../../core/media-format.ts';

/** µ-law adds this to the 16-bit magnitude, so that every segment starts at a power of two. */
const MU_LAW_BIAS = 132;
/** Largest 16-bit magnitude whose biased value stays in the last segment. */
const MU_LAW_CLIP = 32_635;
/** A-law inverts every other bit on the line (ITU-T G.711 table 1a, note). */
const A_LAW_TOGGLE = 0x55;

/** The byte that stands for the sample nearest to silence: 0 in µ-law, 8 (A-law has no 0). */
export const G711_SILENCE: Readonly<Record<G711Codec, number>> = { PCMU: 0xff, PCMA: 0xd5 };

const MU_LAW_SAMPLES = Int16Array.from({ length: 256 }, (_, code) => muLawSample(code));
const A_LAW_SAMPLES = Int16Array.from({ length: 256 }, (_, code) => aLawSample(code));

/** The 16-bit sample of each of the 256 codes; shared, not to be written to. */
export function g711Samples(codec: G711Codec): Int16Array {
  return codec === 'PCMU' ? MU_LAW_SAMPLES : A_LAW_SAMPLES;
}

/** Decodes all of `codes` into the start of `into`, which must be at least as long. */
export function decodeG711(codec: G711Codec, codes: Uint8Array, into: Int16Array): void {
  const samples = g711Samples(codec);
  for (let at = 0; at < codes.length; at += 1) into[at] = samples[codes[at] ?? 0] ?? 0;
}

/** Encodes all of `samples` (16 bits) into the start of `into`, which must be at least as long. */
export function encodeG711(codec: G711Codec, samples: Int16Array, into: Uint8Array): void {
  const encode = codec === 'PCMU' ? encodeMuLaw : encodeALaw;
  for (let at = 0; at < samples.length; at += 1) into[at] = encode(samples[at] ?? 0);
}

/** The µ-law code whose sample is nearest to a 16-bit one; louder ones than it knows are clipped. */
export function encodeMuLaw(sample: number): number {
  const magnitude = Math.min(sample < 0 ? -sample : sample, MU_LAW_CLIP) + MU_LAW_BIAS;
  const segment = 24 - Math.clz32(magnitude);
  const step = (magnitude >> (segment + 3)) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff;
}

/** The A-law code whose sample is nearest to a 16-bit one. */
export function encodeALaw(sample: number): number {
  // Codes stand in the middle of their interval, and −1 belongs to the first one below zero.
  const magnitude = sample < 0 ? -1 - sample : sample;
  const segment = magnitude < 256 ? 0 : 24 - Math.clz32(magnitude);
  const step = (magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ A_LAW_TOGGLE;
}

/** ITU-T G.711 table 2a: 14-bit values in eight segments of sixteen steps, here as 16 bits. */
function muLawSample(code: number): number {
  const inverted = ~code & 0xff;
  const segment = (inverted >> 4) & 7;
  const magnitude = (((inverted & 0x0f) * 2 + 33) << segment) - 33;
  return (inverted & 0x80 ? -magnitude : magnitude) * 4;
}

/** ITU-T G.711 table 1a: 13-bit values, here as 16 bits; the first two segments have equal steps. */
function aLawSample(code: number): number {
  const plain = code ^ A_LAW_TOGGLE;
  const segment = (plain >> 4) & 7;
  const step = plain & 0x0f;
  const magnitude = segment === 0 ? step * 2 + 1 : (step * 2 + 33) << (segment - 1);
  return (plain & 0x80 ? magnitude : -magnitude) * 8;
}
