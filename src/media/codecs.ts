import type { AudioFormat } from '../core/media-format.ts';
import type { AudioDecoder, AudioEncoder } from './codec.ts';
import { ConcealingDecoder } from './conceal/concealing-decoder.ts';
import { g711Decoder, g711Encoder } from './g711/g711-codec.ts';
import { G722Decoder } from './g722/g722-decoder.ts';
import { G722Encoder } from './g722/g722-encoder.ts';
import { l16Decoder, l16Encoder } from './l16/l16.ts';
import { Libopus } from './opus/libopus.ts';
import { OpusDecoder } from './opus/opus-decoder.ts';
import { isOpusPacketTime, OpusEncoder } from './opus/opus-encoder.ts';

/** What of a format says how to decode it. */
export type CodedFormat = Pick<AudioFormat, 'codec' | 'clockRateHz'>;

export type EncodingOptions = {
  /** Milliseconds of audio in a packet. */
  readonly packetTimeMs: number;
};

/**
 * Room for the samples of any packet that fits into 1,500 bytes, and of any of Opus (120 ms): what `into`
 * of a decoder should have.
 */
export const MOST_PACKET_SAMPLES = 3072;

/** Room for any packet of an encoder: 60 ms of L16 at 48 kHz. */
export const MOST_PACKET_BYTES = 5760;

const LOWEST_L16_RATE_HZ = 8000;
const HIGHEST_L16_RATE_HZ = 48_000;
const SHORTEST_PACKET_MS = 10;
const LONGEST_PACKET_MS = 60;

/** Makes the decoder or the encoder of each stream. Names of codecs are compared without case. */
export interface Codecs {
  /**
   * Gives 8,000 samples a second for G.711, 16,000 for G.722 and Opus, and the clock rate for L16
   * (`sampleRateOf`). `undefined` for an unknown codec, and for L16 outside of 8 to 48 kHz.
   */
  decoder(format: CodedFormat): AudioDecoder | undefined;
  /** `undefined` as for `decoder`, and if the codec has no packets of this length (Opus: 30 and 50 ms). */
  encoder(format: CodedFormat, options: EncodingOptions): AudioEncoder | undefined;
}

/**
 * Once for each thread; whatever is made afterwards is there at once. Opus is WebAssembly: that takes about
 * 5.5 MiB for the thread, then 18 KiB for each decoder and 31 KiB for each encoder until it is closed (measured
 * with a thousand of each). Those of other codecs take 1 to 3 KiB.
 */
export async function loadCodecs(): Promise<Codecs> {
  const libopus = await Libopus.load();
  return {
    decoder: (format) => decoderOf(format, libopus),
    encoder: (format, { packetTimeMs }) => encoderOf(format, packetTimeMs, libopus),
  };
}

function decoderOf(format: CodedFormat, libopus: Libopus): AudioDecoder | undefined {
  // As SDP wrote it, and as a journal may hold it: not certainly one that is known.
  switch (format.codec.toUpperCase()) {
    case 'PCMU':
      return new ConcealingDecoder(g711Decoder('PCMU'));
    case 'PCMA':
      return new ConcealingDecoder(g711Decoder('PCMA'));
    case 'G722':
      return new ConcealingDecoder(new G722Decoder());
    case 'OPUS':
      return new OpusDecoder(libopus);
    case 'L16':
      return isL16Rate(format.clockRateHz)
        ? new ConcealingDecoder(l16Decoder(format.clockRateHz))
        : undefined;
    default:
      return undefined;
  }
}

function encoderOf(
  format: CodedFormat,
  packetTimeMs: number,
  libopus: Libopus,
): AudioEncoder | undefined {
  if (packetTimeMs < SHORTEST_PACKET_MS || packetTimeMs > LONGEST_PACKET_MS) return undefined;
  switch (format.codec.toUpperCase()) {
    case 'PCMU':
      return g711Encoder('PCMU');
    case 'PCMA':
      return g711Encoder('PCMA');
    case 'G722':
      return new G722Encoder();
    case 'OPUS':
      return isOpusPacketTime(packetTimeMs) ? new OpusEncoder(libopus) : undefined;
    case 'L16':
      return isL16Rate(format.clockRateHz) ? l16Encoder(format.clockRateHz) : undefined;
    default:
      return undefined;
  }
}

function isL16Rate(clockRateHz: number): boolean {
  return clockRateHz >= LOWEST_L16_RATE_HZ && clockRateHz <= HIGHEST_L16_RATE_HZ;
}
