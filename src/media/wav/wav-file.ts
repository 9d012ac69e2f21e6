import { defect, parsed, type Parsed } from '../../core/result.ts';

export type WavEncoding = 'pcm' | 'float' | 'a-law' | 'mu-law';

export type WavFile = {
  readonly encoding: WavEncoding;
  readonly sampleRateHz: number;
  /** At least 1. */
  readonly channels: number;
  /** Of one sample of one channel: 1 to 4 for PCM, 4 or 8 for floats, 1 for the laws. */
  readonly bytesPerSample: number;
  /** Of whole frames only. */
  readonly data: Uint8Array;
};

export type WavFileDefect =
  'not-wav' | 'no-format' | 'no-data' | 'unsupported-encoding' | 'unsupported-shape';

/** Format tags of RFC 2361; `extensible` names the real one in the first bytes of its GUID. */
const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_A_LAW = 6;
const FORMAT_MU_LAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;

/**
 * Finds the format and the samples of a RIFF file. A `data` chunk that claims more than there is, or
 * nothing although something follows (files that still grew, and what was written into a pipe), goes
 * on to the end of the bytes. Accepts any bytes; never throws.
 */
export function readWavFile(bytes: Uint8Array): Parsed<WavFile, WavFileDefect> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(view, 0) !== 'RIFF' || tagAt(view, 8) !== 'WAVE') {
    return defect('not-wav');
  }
  let format: Omit<WavFile, 'data'> | WavFileDefect = 'no-format';
  for (let at = 12; at + 8 <= bytes.length;) {
    const tag = tagAt(view, at);
    const statedBytes = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag === 'fmt ') {
      format = formatAt(view, start, Math.min(statedBytes, bytes.length - start));
    } else if (tag === 'data') {
      if (typeof format === 'string') return defect(format);
      const isOpen = statedBytes === 0 && !isChunksUpToTheEnd(view, start);
      const all = bytes.subarray(start, isOpen ? bytes.length : start + statedBytes);
      const frameBytes = format.bytesPerSample * format.channels;
      return parsed({ ...format, data: all.subarray(0, all.length - (all.length % frameBytes)) });
    }
    // Chunks begin at even offsets (RIFF); each step moves on by at least the eight bytes read.
    at = start + statedBytes + (statedBytes & 1);
  }
  return defect(typeof format === 'string' ? format : 'no-data');
}

function formatAt(
  view: DataView,
  at: number,
  chunkBytes: number,
): Omit<WavFile, 'data'> | WavFileDefect {
  if (chunkBytes < 16) return 'no-format';
  const stated = view.getUint16(at, true);
  const isExtensible = stated === FORMAT_EXTENSIBLE && chunkBytes >= 40;
  const encoding = encodingOf(isExtensible ? view.getUint16(at + 24, true) : stated);
  const channels = view.getUint16(at + 2, true);
  if (channels === 0) return 'unsupported-shape';
  const frameBytes = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  const bytesPerSample = bytesOf(bits, frameBytes / channels);
  if (encoding === undefined || !mayHave(encoding, bytesPerSample)) return 'unsupported-encoding';
  return { encoding, channels, sampleRateHz: view.getUint32(at + 4, true), bytesPerSample };
}

/** Odd numbers of bits stand in the upper ones of whole bytes, and 24 of them may stand in four. */
function bytesOf(bits: number, statedBytes: number): number {
  const least = Math.ceil(bits / 8);
  return least > 2 && statedBytes === 4 ? statedBytes : least;
}

function encodingOf(tag: number): WavEncoding | undefined {
  switch (tag) {
    case FORMAT_PCM:
      return 'pcm';
    case FORMAT_FLOAT:
      return 'float';
    case FORMAT_A_LAW:
      return 'a-law';
    case FORMAT_MU_LAW:
      return 'mu-law';
    default:
      return undefined;
  }
}

function mayHave(encoding: WavEncoding, bytesPerSample: number): boolean {
  if (encoding === 'pcm') return bytesPerSample >= 1 && bytesPerSample <= 4;
  return encoding === 'float' ? bytesPerSample === 4 || bytesPerSample === 8 : bytesPerSample === 1;
}

/** An empty `data` chunk before others is empty; before anything else its size was never filled in. */
function isChunksUpToTheEnd(view: DataView, from: number): boolean {
  let at = from;
  while (at + 8 <= view.byteLength && /^[ -~]{4}$/.test(tagAt(view, at))) {
    const bytes = view.getUint32(at + 4, true);
    at += 8 + bytes + (bytes & 1);
  }
  // The last one of an odd size may lack its padding.
  return at === view.byteLength || at === view.byteLength + 1;
}

function tagAt(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}
