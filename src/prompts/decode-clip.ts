import { TapedeckError } from '../core/error.ts';
import { PLAYED_RATE_HZ, type PlayedClip } from '../core/ports/call-media.ts';
import { readWav } from '../media/wav/wav-reader.ts';

/**
 * An audio file as samples for players, in memory that threads share. Accepts any bytes; throws
 * `prompt-format` for what cannot be read.
 */
export function decodeClip(bytes: Uint8Array): PlayedClip {
  const clip = readWav(bytes, { maxDurationMs: 3_600_000 });
  if (!clip.ok || clip.value.sampleRateHz !== PLAYED_RATE_HZ || clip.value.channels !== 1) {
    throw new TapedeckError('prompt-format', 'The file is not WAV of 16 kHz, mono, 16-bit.');
  }
  return shared(clip.value.samples);
}

function shared(samples: Int16Array): PlayedClip {
  const clip = new Int16Array(new SharedArrayBuffer(samples.byteLength));
  clip.set(samples);
  return clip;
}
