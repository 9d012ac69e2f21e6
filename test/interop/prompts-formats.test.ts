import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeClip } from '../../src/prompts/decode-clip.ts';

const PLAYED_RATE_HZ = 16_000;
const LENGTH_MS = 1500;
/** Of no common period below the length, so that only one shift fits. */
const TONES = [
  { hz: 307, amplitude: 8000 },
  { hz: 1013, amplitude: 5000 },
  { hz: 2711, amplitude: 2500 },
];
/** Filters of coders swing here. */
const EDGE_MS = 60;
const SEARCH_SAMPLES = 40;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-prompts-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function signal(second: number): number {
  return TONES.reduce(
    (sum, { hz, amplitude }) => sum + amplitude * Math.sin(2 * Math.PI * hz * second),
    0,
  );
}

const IDEAL = Float64Array.from({ length: (LENGTH_MS / 1000) * PLAYED_RATE_HZ }, (_, at) =>
  signal(at / PLAYED_RATE_HZ),
);

/** The signal in each channel, louder and softer in turn: the mean is the signal. */
function channelsOf(rateHz: number, channels: number): Buffer {
  const frames = (rateHz * LENGTH_MS) / 1000;
  const samples = new Int16Array(frames * channels);
  for (let at = 0; at < samples.length; at += 1) {
    const channel = at % channels;
    const isOddOne = channels % 2 === 1 && channel === channels - 1;
    const gain = isOddOne ? 1 : channel % 2 === 0 ? 1.5 : 0.5;
    samples[at] = Math.round(gain * signal(Math.floor(at / channels) / rateHz));
  }
  return Buffer.from(samples.buffer);
}

/** What ffmpeg makes of the signal: into a file, whose name says the format, or into a pipe. */
async function made(
  rateHz: number,
  channels: number,
  options: readonly string[],
  output: string,
): Promise<Uint8Array> {
  const file = output === '-' ? output : join(directory, output);
  const input = ['-f', 's16le', '-ar', `${rateHz}`, '-ac', `${channels}`, '-i', '-'];
  const run = spawnSync('ffmpeg', ['-v', 'error', '-y', ...input, ...options, file], {
    input: channelsOf(rateHz, channels),
    maxBuffer: 2 ** 26,
  });
  expect(run.stderr.toString()).not.toMatch(/error|invalid/i);
  return output === '-' ? run.stdout : readFile(file);
}

/** Of the clip to the signal, `shift` samples of the clip later. */
function snrDb(clip: Int16Array, shift: number): number {
  const edge = (EDGE_MS / 1000) * PLAYED_RATE_HZ;
  let wanted = 0;
  let rest = 0;
  for (let at = edge; at < IDEAL.length - edge; at += 1) {
    wanted += IDEAL[at]! ** 2;
    rest += (clip[at + shift]! - IDEAL[at]!) ** 2;
  }
  return 10 * Math.log10(wanted / rest);
}

/** Where the signal is found, near to where it should be. */
function bestShift(clip: Int16Array, expected: number): number {
  let best = expected - SEARCH_SAMPLES;
  for (let shift = best; shift <= expected + SEARCH_SAMPLES; shift += 1) {
    if (snrDb(clip, shift) > snrDb(clip, best)) best = shift;
  }
  return best;
}

function expectSignal(clip: Int16Array, leastDb: number): void {
  expect(Math.abs(clip.length - (LENGTH_MS / 1000) * PLAYED_RATE_HZ)).toBeLessThanOrEqual(1);
  expect(bestShift(clip, 0)).toBe(0);
  expect(snrDb(clip, 0)).toBeGreaterThan(leastDb);
}

describe('WAV of ffmpeg', () => {
  test.each([
    ['pcm_u8', 8_000, 1, 30],
    ['pcm_s16le', 8_000, 2, 60],
    ['pcm_s16le', 11_025, 1, 60],
    ['pcm_s24le', 44_100, 2, 60],
    ['pcm_s24le', 48_000, 6, 60],
    ['pcm_s32le', 96_000, 3, 60],
    ['pcm_f32le', 22_050, 2, 60],
    ['pcm_f64le', 192_000, 1, 60],
    ['pcm_alaw', 8_000, 1, 30],
    ['pcm_mulaw', 8_000, 2, 30],
    ['pcm_mulaw', 32_000, 5, 30],
  ] as const)(
    '%s of %i Hz and %i channels is the signal',
    async (codec, rateHz, channels, leastDb) => {
      const bytes = await made(
        rateHz,
        channels,
        ['-c:a', codec],
        `${codec}-${rateHz}-${channels}.wav`,
      );
      expectSignal(await decodeClip(bytes), leastDb);
    },
  );

  test('written into a pipe, with sizes that were never filled in, is the signal', async () => {
    const bytes = await made(24_000, 1, ['-c:a', 'pcm_s16le', '-f', 'wav'], '-');
    expect(Buffer.from(bytes).readUInt32LE(4)).toBe(0xffff_ffff);
    expectSignal(await decodeClip(bytes), 60);
  });
});

describe('MP3 of ffmpeg', () => {
  test.each([
    ['MPEG-1, constant', 44_100, 2, ['-b:a', '128k']],
    ['MPEG-1, variable', 48_000, 2, ['-q:a', '2']],
    ['MPEG-1, joint stereo', 32_000, 2, ['-b:a', '96k', '-joint_stereo', '1']],
    ['MPEG-2, mono', 22_050, 1, ['-b:a', '64k']],
    ['MPEG-2, variable', 24_000, 1, ['-q:a', '2']],
    ['MPEG-2.5', 11_025, 1, ['-b:a', '32k']],
    ['MPEG-2.5 of the lowest rate', 8_000, 1, ['-b:a', '24k']],
  ] as const)(
    '%s is the signal, from its first sample to its last',
    async (name, rateHz, channels, options) => {
      const tags = ['-metadata', `title=${name}`, '-id3v2_version', '3', '-write_id3v1', '1'];
      const bytes = await made(
        rateHz,
        channels,
        [...options, ...tags],
        `${name.replace(/\W/g, '')}.mp3`,
      );
      expect(Buffer.from(bytes.subarray(0, 3)).toString()).toBe('ID3');
      expect(Buffer.from(bytes.subarray(-128, -125)).toString()).toBe('TAG');
      expectSignal(await decodeClip(bytes), 20);
    },
  );

  test('without the header that tells its ends is late by what coders put before it', async () => {
    const clip = await decodeClip(
      await made(16_000, 1, ['-b:a', '48k', '-write_xing', '0'], 'bare.mp3'),
    );
    // LAME's 576 samples and the decoder's 529.
    expect(bestShift(clip, 1105)).toBe(1105);
    expect(snrDb(clip, 1105)).toBeGreaterThan(20);
  });
});

test.each([
  ['ogg', ['-c:a', 'libopus'], 'an Ogg file'],
  ['flac', [], 'a FLAC file'],
  ['m4a', ['-c:a', 'aac'], 'an MP4 or M4A file'],
  ['aac', ['-c:a', 'aac'], 'AAC'],
  ['aiff', [], 'an AIFF file'],
  ['au', [], 'an AU file'],
  ['webm', ['-c:a', 'libopus'], 'a Matroska or WebM file'],
  ['wma', [], 'a Windows Media file'],
  ['mp2', [], 'MPEG audio of layer I or II'],
] as const)('a file of %s is refused by its name', async (extension, options, name) => {
  const bytes = await made(48_000, 1, options, `other.${extension}`);
  await expect(decodeClip(bytes)).rejects.toMatchObject({ code: 'prompt-format' });
  await expect(decodeClip(bytes)).rejects.toThrow(name);
});

test('WAV of ADPCM is refused', async () => {
  const bytes = await made(16_000, 1, ['-c:a', 'adpcm_ms'], 'adpcm.wav');
  await expect(decodeClip(bytes)).rejects.toThrow('neither PCM of 8, 16, 24 or 32 bits');
});
