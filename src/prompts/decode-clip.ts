import { TapedeckError } from '../core/error.ts';
import { PLAYED_RATE_HZ, type PlayedClip } from '../core/ports/call-media.ts';
import { Mp3Decoder } from '../media/mp3/mp3-decoder.ts';
import { readMp3, type Mp3Defect, type Mp3File } from '../media/mp3/mp3-file.ts';
import { readWavFile, type WavFile, type WavFileDefect } from '../media/wav/wav-file.ts';
import { WavMono } from '../media/wav/wav-mono.ts';
import { ClipWriter } from './clip-writer.ts';
import { fileKind } from './file-kind.ts';

/** Longest clip that is taken; as samples it takes 115 MB. */
const MAX_CLIP_MS = 3_600_000;
const MIN_RATE_HZ = 8_000;
const MAX_RATE_HZ = 192_000;
const BLOCK_SAMPLES = 16_384;
const TOO_LONG = `The file is longer than ${MAX_CLIP_MS / 60_000} minutes.`;

const WAV_DEFECTS: Readonly<Record<Exclude<WavFileDefect, 'not-wav'>, string>> = {
  'no-format': 'The WAV file does not say its format before its samples.',
  'no-data': 'The WAV file has no samples.',
  'unsupported-encoding':
    'The WAV file is neither PCM of 8, 16, 24 or 32 bits, nor floating point, nor A-law or µ-law.',
  'unsupported-shape': 'The WAV file has no channel.',
};

const MP3_DEFECTS: Readonly<Record<Exclude<Mp3Defect, 'not-mp3'>, string>> = {
  'other-layer': 'The file is MPEG audio of layer I or II, not MP3.',
  'no-sound': 'The MP3 file has no samples.',
  'too-long': TOO_LONG,
};

/**
 * A WAV or MP3 file as samples for players, in memory that threads share: all channels as one, at the
 * rate of players. Accepts any bytes; rejects with `prompt-format` for what cannot be read.
 */
export async function decodeClip(bytes: Uint8Array): Promise<PlayedClip> {
  const wav = readWavFile(bytes);
  if (wav.ok) return decodeWav(wav.value);
  if (wav.defect !== 'not-wav') throw unreadable(WAV_DEFECTS[wav.defect]);
  const mp3 = readMp3(bytes, { maxDurationMs: MAX_CLIP_MS });
  if (!mp3.ok && mp3.defect !== 'not-mp3') throw unreadable(MP3_DEFECTS[mp3.defect]);
  if (!mp3.ok) {
    throw unreadable(`The file is ${fileKind(bytes)}; what can be played is WAV and MP3.`);
  }
  return decodeMp3(await Mp3Decoder.create(bytes, mp3.value), mp3.value);
}

function decodeMp3(decoder: Mp3Decoder, { sampleRateHz, soundSamples }: Mp3File): PlayedClip {
  const writer = new ClipWriter(sampleRateHz, PLAYED_RATE_HZ, soundSamples);
  try {
    for (const block of decoder.blocks()) writer.write(block, block.length);
  } catch (cause) {
    // Never seen; but a module that stumbles over a file must not be told of as a fault of the server.
    throw unreadable('The MP3 file is damaged.', cause);
  }
  return heard(writer.finish());
}

function decodeWav(file: WavFile): PlayedClip {
  const { sampleRateHz } = file;
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) {
    throw unreadable(
      `The WAV file is of ${sampleRateHz} Hz; what can be played has ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz.`,
    );
  }
  const mono = new WavMono(file);
  if ((mono.samples * 1000) / sampleRateHz > MAX_CLIP_MS) throw unreadable(TOO_LONG);
  const writer = new ClipWriter(sampleRateHz, PLAYED_RATE_HZ, mono.samples);
  const block = new Int16Array(Math.min(BLOCK_SAMPLES, mono.samples));
  for (let from = 0; from < mono.samples; from += BLOCK_SAMPLES) {
    const to = Math.min(mono.samples, from + BLOCK_SAMPLES);
    mono.read(from, to, block);
    writer.write(block, to - from);
  }
  return heard(writer.finish());
}

function heard(clip: PlayedClip): PlayedClip {
  if (clip.length === 0) throw unreadable('The file holds no sound.');
  return clip;
}

function unreadable(message: string, cause?: unknown): TapedeckError {
  return new TapedeckError('prompt-format', message, cause === undefined ? {} : { cause });
}
