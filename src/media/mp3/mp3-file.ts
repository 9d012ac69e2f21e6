import { defect, parsed, type Parsed } from '../../core/result.ts';
import { frameHeaderAt, type FrameHeader } from './frame-header.ts';
import { type Mp3Ends, readInfoFrame } from './info-reader.ts';

export type Mp3File = {
  readonly sampleRateHz: number;
  /** The frames with sound, in their order, neighbours together: from a byte up to another (excluded). */
  readonly runs: readonly (readonly [from: number, to: number])[];
  /** Samples that the frames hold, ends included. */
  readonly samples: number;
  /** First sample that is of the recording, and how many are, if all frames can be decoded. */
  readonly skipSamples: number;
  readonly soundSamples: number;
};

export type Mp3Limits = {
  /** Longest sound that is taken. */
  readonly maxDurationMs: number;
};

export type Mp3Defect = 'not-mp3' | 'other-layer' | 'no-sound' | 'too-long';

/** What every decoder is late by: 528 samples of the filter bank and one more. */
const DECODER_DELAY_SAMPLES = 529;
/** Delay and padding have twelve bits each. */
const MOST_ENDS_SAMPLES = 2 * 0xfff + DECODER_DELAY_SAMPLES;
const ID3V2_HEADER_BYTES = 10;

/**
 * Finds the frames of an MP3 file: MPEG-1, MPEG-2 or MPEG-2.5 of layer III, constant or variable bit
 * rate; tags before, between and behind them are passed over, as is anything else that is no frame
 * followed by another of its kind. What Xing's header with LAME's extension says of the file's ends is
 * taken into account. Accepts any bytes; never throws; its time grows with the bytes and no faster.
 */
export function readMp3(bytes: Uint8Array, limits: Mp3Limits): Parsed<Mp3File, Mp3Defect> {
  const start = afterTags(bytes);
  const firstAt = nextFrame(bytes, start, undefined);
  const first = firstAt === undefined ? undefined : frameHeaderAt(bytes, firstAt);
  if (firstAt === undefined || first === undefined) return defect('not-mp3');
  if (first.layer !== 3) return defect('other-layer');
  const info = readInfoFrame(bytes.subarray(firstAt, firstAt + first.bytes), first);
  const mostSamples = (limits.maxDurationMs / 1000) * first.sampleRateHz;
  const runs: [number, number][] = [];
  let samples = 0;
  let next = info === undefined ? firstAt : nextFrame(bytes, firstAt + first.bytes, first);
  while (next !== undefined) {
    const header = frameHeaderAt(bytes, next);
    if (header === undefined) break;
    const end = next + header.bytes;
    const last = runs.at(-1);
    if (last?.[1] === next) last[1] = end;
    else runs.push([next, end]);
    samples += header.samples;
    if (samples > mostSamples + MOST_ENDS_SAMPLES) return defect('too-long');
    next = nextFrame(bytes, end, first);
  }
  const { skipSamples, soundSamples } = soundOf(samples, first.samples, info?.ends);
  if (soundSamples <= 0) return defect('no-sound');
  if (soundSamples > mostSamples) return defect('too-long');
  return parsed({ sampleRateHz: first.sampleRateHz, runs, samples, skipSamples, soundSamples });
}

function soundOf(
  samples: number,
  frameSamples: number,
  ends: Mp3Ends | undefined,
): Pick<Mp3File, 'skipSamples' | 'soundSamples'> {
  if (ends === undefined) return { skipSamples: 0, soundSamples: samples };
  const skipSamples = ends.delaySamples + DECODER_DELAY_SAMPLES;
  // A file that was cut has no padding any more.
  const isCut = ends.frames !== undefined && samples < ends.frames * frameSamples;
  const soundSamples = samples - ends.delaySamples - (isCut ? 0 : ends.paddingSamples);
  // Of a file with little padding the decoder keeps the last samples to itself.
  return { skipSamples, soundSamples: Math.min(soundSamples, samples - skipSamples) };
}

/** Where a frame stands, from `from` on, that is like `model` and followed by another or by the end. */
function nextFrame(
  bytes: Uint8Array,
  from: number,
  model: FrameHeader | undefined,
): number | undefined {
  for (let at = from; (at = bytes.indexOf(0xff, at)) !== -1; at += 1) {
    const header = frameHeaderAt(bytes, at);
    if (header === undefined || !isLike(header, model ?? header)) continue;
    const end = at + header.bytes;
    if (end > bytes.length) continue;
    // Right behind a frame stands another one: the first needs a second as a witness.
    if ((model !== undefined && at === from) || isWitnessed(bytes, end, header)) return at;
  }
  return undefined;
}

function isWitnessed(bytes: Uint8Array, end: number, header: FrameHeader): boolean {
  if (end === bytes.length || isTag(bytes, end, 'TAG')) return true;
  const follower = frameHeaderAt(bytes, end);
  return follower !== undefined && isLike(follower, header);
}

function isLike(header: FrameHeader, model: FrameHeader): boolean {
  return (
    header.version === model.version &&
    header.layer === model.layer &&
    header.sampleRateHz === model.sampleRateHz
  );
}

/** ID3v2 tags stand before the sound, and pictures in them may look like frames. */
function afterTags(bytes: Uint8Array): number {
  let at = 0;
  while (at + ID3V2_HEADER_BYTES <= bytes.length && isTag(bytes, at, 'ID3')) {
    // Seven bits of each byte; a footer, if there is one, is as long as the header.
    const size = [6, 7, 8, 9].reduce(
      (sum, byte) => sum * 128 + ((bytes[at + byte] ?? 0) & 0x7f),
      0,
    );
    const footerBytes = ((bytes[at + 5] ?? 0) & 0x10) === 0 ? 0 : ID3V2_HEADER_BYTES;
    at += ID3V2_HEADER_BYTES + size + footerBytes;
  }
  return at;
}

/** ID3v1 stands behind the sound and begins with "TAG", ID3v2 before it with "ID3". */
function isTag(bytes: Uint8Array, at: number, tag: 'TAG' | 'ID3'): boolean {
  for (let index = 0; index < tag.length; index += 1) {
    if (bytes[at + index] !== tag.charCodeAt(index)) return false;
  }
  return true;
}
