import { wavHeader, wavHeaderBytes } from '../media/wav/wav-header.ts';
import type { ChunkEncoder, FileEncoding } from './chunk-encoder.ts';
import { FILE_RATE_HZ } from './file-tracks.ts';

const BYTES_PER_SAMPLE = 2;
const NOTHING = new Uint8Array(0);

/** 16-bit PCM: the bytes are the samples. */
export const WAV_ENCODING: FileEncoding = {
  mediaType: 'audio/wav',
  bitRate: (channels) => FILE_RATE_HZ * BYTES_PER_SAMPLE * 8 * channels,
  framesWithin: (sizeBytes, channels) =>
    Math.floor((sizeBytes - wavHeaderBytes(channels)) / (BYTES_PER_SAMPLE * channels)),
  begin: (channels) => Promise.resolve(new WavEncoder(channels)),
};

class WavEncoder implements ChunkEncoder {
  readonly headerBytes: number;
  readonly #channels: number;
  #dataBytes = 0;

  constructor(channels: number) {
    this.#channels = channels;
    this.headerBytes = wavHeaderBytes(channels);
  }

  encode(samples: Int16Array, from: number, to: number): Uint8Array {
    const at = samples.byteOffset + from * BYTES_PER_SAMPLE;
    const bytes = new Uint8Array(samples.buffer, at, (to - from) * BYTES_PER_SAMPLE);
    this.#dataBytes += bytes.length;
    return bytes;
  }

  finish(): Uint8Array {
    return NOTHING;
  }

  header(): Uint8Array {
    const format = { sampleRateHz: FILE_RATE_HZ, channels: this.#channels };
    return wavHeader(format, this.#dataBytes);
  }

  close(): void {
    // Holds nothing.
  }
}
