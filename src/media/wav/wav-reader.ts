import { defect, parsed, type Parsed } from '../../core/result.ts';
import { decodeG711 } from '../g711/g711.ts';
import { readWavFile, type WavFileDefect } from './wav-file.ts';

export type WavClip = {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** 16-bit samples, channels interleaved; whole frames only. */
  readonly samples: Int16Array;
};

export type WavDefect = WavFileDefect | 'too-long';

export type WavLimits = {
  /** Longest clip that is taken, in milliseconds. Default ten minutes. */
  readonly maxDurationMs?: number;
  /** Default 2. */
  readonly maxChannels?: number;
};

const DEFAULT_MAX_DURATION_MS = 600_000;
const MIN_RATE_HZ = 8000;
const MAX_RATE_HZ = 48_000;
const DEFAULT_MAX_CHANNELS = 2;

/**
 * Reads a clip (simulated voice, recording): RIFF with 16-bit PCM, µ-law or A-law, one or two channels
 * (more if the limits say so), 8 to 48 kHz. Accepts any bytes; never throws. A `data` chunk that claims
 * more than there is (a file that was still growing) is read to the end of the bytes.
 */
export function readWav(bytes: Uint8Array, limits: WavLimits = {}): Parsed<WavClip, WavDefect> {
  const file = readWavFile(bytes);
  if (!file.ok) return file;
  const { encoding, channels, sampleRateHz, bytesPerSample, data } = file.value;
  if (encoding === 'float' || (encoding === 'pcm' && bytesPerSample !== 2)) {
    return defect('unsupported-encoding');
  }
  if (channels > (limits.maxChannels ?? DEFAULT_MAX_CHANNELS)) return defect('unsupported-shape');
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) return defect('unsupported-shape');
  const count = data.length / bytesPerSample;
  const maxDurationMs = limits.maxDurationMs ?? DEFAULT_MAX_DURATION_MS;
  if ((count * 1000) / (channels * sampleRateHz) > maxDurationMs) return defect('too-long');
  const samples = new Int16Array(count);
  if (encoding === 'pcm') {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < count; at += 1) samples[at] = view.getInt16(at * 2, true);
  } else {
    decodeG711(encoding === 'mu-law' ? 'PCMU' : 'PCMA', data, samples);
  }
  return parsed({ sampleRateHz, channels, samples });
}
