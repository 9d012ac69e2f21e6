import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { type Climb, findClimbs, heardOfBob } from './staircase.ts';

const run = promisify(execFile);
const RATE_HZ = 16_000;
/** Parts of a file in which somebody is heard who speaks all the time, or never. */
const ALL_THE_TIME = 0.8;
const NEVER = 0.1;

/** Who is heard on a channel. */
export type ChannelContent = {
  readonly climbs: readonly Climb[];
  readonly hasBob: boolean;
  readonly hasNoBob: boolean;
};

export type RecordingContent = {
  readonly durationMs: number;
  readonly channels: readonly ChannelContent[];
};

/** Reads a WAV of 16 kHz and 16 bits. Throws for anything else. */
export async function contentOfWav(path: string): Promise<RecordingContent> {
  const wav = readWav(await readFile(path), { maxChannels: 8 });
  if (!wav.ok) throw new Error(`the file is no WAV: ${wav.defect}`);
  const { sampleRateHz, channels, samples } = wav.value;
  if (sampleRateHz !== RATE_HZ) throw new Error(`the file has ${sampleRateHz} Hz`);
  return contentOf(samples, channels);
}

/** Reads an MP3 by way of ffmpeg, which has to be installed. */
export async function contentOfMp3(path: string): Promise<RecordingContent> {
  const bytes = await readFile(path);
  const isMp3 =
    bytes.subarray(0, 3).toString() === 'ID3' || (bytes.readUInt16BE(0) & 0xffe0) === 0xffe0;
  if (!isMp3) throw new Error('the file is no MP3');
  const wanted = ['-f', 's16le', '-ac', '1', '-ar', String(RATE_HZ), '-'];
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, ...wanted], {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  return contentOf(new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1), 1);
}

function contentOf(interleaved: Int16Array, channels: number): RecordingContent {
  const frames = Math.floor(interleaved.length / channels);
  return {
    durationMs: (frames * 1000) / RATE_HZ,
    channels: Array.from({ length: channels }, (_, channel) => {
      const samples = Int16Array.from(
        { length: frames },
        (_, at) => interleaved[at * channels + channel] ?? 0,
      );
      const ofBob = heardOfBob(samples, RATE_HZ);
      return {
        climbs: findClimbs(samples, RATE_HZ),
        hasBob: ofBob > ALL_THE_TIME,
        hasNoBob: ofBob < NEVER,
      };
    }),
  };
}
