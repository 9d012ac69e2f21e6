import { defect, parsed, type Parsed } from '../../core/result.ts';
import { decodeG711 } from '../g711/g711.ts';

export type WavClip = {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** 16-bit samples, channels interleaved; whole frames only. */
  readonly samples: Int16Array;
};

export type WavDefect =
  'not-wav' | 'no-format' | 'no-data' | 'unsupported-encoding' | 'unsupported-shape' | 'too-long';

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

/** Format tags of RFC 2361; `extensible` names the real one in the first bytes of its GUID. */
const FORMAT_PCM = 1;
const FORMAT_A_LAW = 6;
const FORMAT_MU_LAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;

type Format = {
  readonly tag: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bits: number;
};

/**
 * Reads a clip (prompt, simulated voice): RIFF with 16-bit PCM, µ-law or A-law, one or two
 * channels (more if the limits say so), 8 to 48 kHz. Accepts any bytes; never throws. A `data` chunk that claims more than
 * there is (a file that was still growing) is read to the end of the bytes.
 */
export function readWav(bytes: Uint8Array, limits: WavLimits = {}): Parsed<WavClip, WavDefect> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(view, 0) !== 'RIFF' || tagAt(view, 8) !== 'WAVE') {
    return defect('not-wav');
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const tag = tagAt(view, at);
    const statedBytes = view.getUint32(at + 4, true);
    const start = at + 8;
    const chunkBytes = Math.min(statedBytes, bytes.length - start);
    if (tag === 'fmt ') {
      format = formatAt(view, start, chunkBytes);
      if (format === undefined) return defect('no-format');
    } else if (tag === 'data') {
      if (format === undefined) return defect('no-format');
      return clipOf(format, bytes.subarray(start, start + chunkBytes), limits);
    }
    // Chunks begin at even offsets (RIFF); each step moves on by at least the eight bytes read.
    at = start + statedBytes + (statedBytes & 1);
  }
  return defect(format === undefined ? 'no-format' : 'no-data');
}

function clipOf(format: Format, data: Uint8Array, limits: WavLimits): Parsed<WavClip, WavDefect> {
  const { channels, sampleRateHz } = format;
  const compressed = format.tag === FORMAT_A_LAW || format.tag === FORMAT_MU_LAW;
  if (format.tag !== FORMAT_PCM && !compressed) return defect('unsupported-encoding');
  const bytesPerSample = compressed ? 1 : 2;
  if (format.bits !== bytesPerSample * 8) return defect('unsupported-encoding');
  const maxChannels = limits.maxChannels ?? DEFAULT_MAX_CHANNELS;
  if (channels < 1 || channels > maxChannels) return defect('unsupported-shape');
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) return defect('unsupported-shape');
  const frames = Math.floor(data.length / (bytesPerSample * channels));
  const maxDurationMs = limits.maxDurationMs ?? DEFAULT_MAX_DURATION_MS;
  if ((frames * 1000) / sampleRateHz > maxDurationMs) return defect('too-long');
  const samples = new Int16Array(frames * channels);
  if (compressed) {
    const codes = data.subarray(0, samples.length);
    decodeG711(format.tag === FORMAT_MU_LAW ? 'PCMU' : 'PCMA', codes, samples);
  } else {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true);
  }
  return parsed({ sampleRateHz, channels, samples });
}

function formatAt(view: DataView, at: number, chunkBytes: number): Format | undefined {
  if (chunkBytes < 16) return undefined;
  const tag = view.getUint16(at, true);
  const extensible = tag === FORMAT_EXTENSIBLE && chunkBytes >= 40;
  return {
    tag: extensible ? view.getUint16(at + 24, true) : tag,
    channels: view.getUint16(at + 2, true),
    sampleRateHz: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
}

function tagAt(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}
