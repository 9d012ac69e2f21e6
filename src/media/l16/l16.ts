import type { AudioEncoder } from '../codec.ts';
import type { PlainDecoder } from '../conceal/concealing-decoder.ts';

/** Plain samples, mono, each with its high byte first (RFC 3551 §4.5.11). */
export function l16Decoder(sampleRateHz: number): PlainDecoder {
  return { sampleRateHz, decode };
}

export function l16Encoder(sampleRateHz: number): AudioEncoder {
  return { sampleRateHz, encode, close: () => undefined };
}

function decode(payload: Uint8Array, into: Int16Array): number {
  const count = payload.length >> 1;
  if (count > into.length || payload.length % 2 !== 0) return 0;
  for (let at = 0; at < count; at += 1) {
    into[at] = ((payload[2 * at] as number) << 8) | (payload[2 * at + 1] as number); // inside
  }
  return count;
}

function encode(samples: Int16Array, into: Uint8Array): number {
  if (2 * samples.length > into.length) return 0;
  for (let at = 0; at < samples.length; at += 1) {
    const sample = samples[at] as number; // inside
    into[2 * at] = sample >> 8;
    into[2 * at + 1] = sample;
  }
  return 2 * samples.length;
}
