import { g711Samples } from '../g711/g711.ts';
import type { WavFile } from './wav-file.ts';

/** One sample in units of a 16-bit one, not rounded. */
type SampleReader = (view: DataView, at: number) => number;

/** The channels of a WAV file as one: their mean, rounded to 16 bits and clipped. */
export class WavMono {
  /** Of a channel. */
  readonly samples: number;
  readonly #view: DataView;
  readonly #channels: number;
  readonly #bytesPerSample: number;
  readonly #sampleAt: SampleReader;

  constructor(file: WavFile) {
    const { data, channels, bytesPerSample } = file;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#channels = channels;
    this.#bytesPerSample = bytesPerSample;
    this.#sampleAt = readerFor(file);
    this.samples = data.length / (channels * bytesPerSample);
  }

  /** Samples from `from` on up to `to` (excluded) to the start of `into`, which has room for them. */
  read(from: number, to: number, into: Int16Array): void {
    const sampleAt = this.#sampleAt;
    const channels = this.#channels;
    const step = this.#bytesPerSample;
    let at = from * channels * step;
    for (let index = 0; index < to - from; index += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1) {
        sum += sampleAt(this.#view, at);
        at += step;
      }
      // What is no number becomes silence.
      const mean = Math.round(sum / channels);
      into[index] = mean > 32_767 ? 32_767 : mean < -32_768 ? -32_768 : mean;
    }
  }
}

function readerFor({ encoding, bytesPerSample }: WavFile): SampleReader {
  switch (encoding) {
    case 'pcm':
      return readerOfPcm(bytesPerSample);
    case 'float':
      return bytesPerSample === 8
        ? (view, at) => view.getFloat64(at, true) * 32_768
        : (view, at) => view.getFloat32(at, true) * 32_768;
    case 'a-law':
    case 'mu-law': {
      const samples = g711Samples(encoding === 'a-law' ? 'PCMA' : 'PCMU');
      return (view, at) => samples[view.getUint8(at)] ?? 0;
    }
  }
}

function readerOfPcm(bytesPerSample: number): SampleReader {
  switch (bytesPerSample) {
    case 1:
      // The only one without a sign.
      return (view, at) => (view.getUint8(at) - 128) * 256;
    case 2:
      return (view, at) => view.getInt16(at, true);
    case 3:
      return (view, at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
    default:
      return (view, at) => view.getInt32(at, true) / 65_536;
  }
}
