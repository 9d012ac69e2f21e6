import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readWav } from '../../../src/media/wav/wav-reader.ts';

const run = promisify(execFile);

const MP3_RATE_HZ = 16_000;
/** An hour of what ffmpeg writes. */
const MAX_PCM_BYTES = 115_200_000;
const MAX_DURATION_MS = 14_400_000;
const MAX_CHANNELS = 32;

export type RecordedAudio = {
  readonly sampleRateHz: number;
  /** Samples of each channel. */
  readonly channels: readonly Int16Array[];
};

/** The samples of a recording that the server has stored. Rejects for one that cannot be read. */
export async function readRecordedAudio(path: string): Promise<RecordedAudio> {
  return path.endsWith('.mp3') ? readMp3(path) : readWavFile(path);
}

async function readWavFile(path: string): Promise<RecordedAudio> {
  const limits = { maxDurationMs: MAX_DURATION_MS, maxChannels: MAX_CHANNELS };
  const wav = readWav(await readFile(path), limits);
  if (!wav.ok) throw new Error(`${path}: ${wav.defect}`);
  const { sampleRateHz, channels, samples } = wav.value;
  return {
    sampleRateHz,
    channels: Array.from({ length: channels }, (_, channel) =>
      Int16Array.from(
        { length: samples.length / channels },
        (_sample, frame) => samples[frame * channels + channel] ?? 0,
      ),
    ),
  };
}

/** By ffmpeg, which leaves out the encoder's delay and padding as the file's Info frame says. */
async function readMp3(path: string): Promise<RecordedAudio> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', String(MP3_RATE_HZ), '-'],
    { encoding: 'buffer', maxBuffer: MAX_PCM_BYTES },
  );
  // A copy is aligned for samples of two bytes.
  const bytes = Uint8Array.from(stdout);
  return { sampleRateHz: MP3_RATE_HZ, channels: [new Int16Array(bytes.buffer)] };
}
