import type { MediaStreamingOptions } from '../../core/ports/call-control.ts';
import type { StreamFrame } from '../../core/ports/call-media.ts';
import type { Tone } from '../../core/tone.ts';

const FRAME_MS = 20;
const BYTES_PER_SAMPLE = 2;
/** −66 dB: what silence may be after G.711, whose A-law has no zero, and a filter. */
const SILENT_PEAK = 16;

export const SAMPLE_RATE_HZ: Readonly<
  Record<MediaStreamingOptions['audioFormat'], 16_000 | 24_000>
> = { pcm16KMono: 16_000, pcm24KMono: 24_000 };

/** The first message on a socket: what the audio will be like. */
export function metadataText(
  subscriptionId: string,
  audioFormat: MediaStreamingOptions['audioFormat'],
): string {
  const sampleRate = SAMPLE_RATE_HZ[audioFormat];
  return JSON.stringify({
    kind: 'AudioMetadata',
    audioMetadata: {
      subscriptionId,
      encoding: 'PCM',
      sampleRate,
      channels: 1,
      length: (sampleRate * FRAME_MS * BYTES_PER_SAMPLE) / 1000,
    },
  });
}

/** 20 ms of audio, 16 bits, little-endian, in base64. Of everybody when it names no participant. */
export function audioText({ participantId, samples, isSilent, atMs }: StreamFrame): string {
  const { buffer, byteOffset, byteLength } = samples;
  return JSON.stringify({
    kind: 'AudioData',
    audioData: {
      timestamp: new Date(atMs).toISOString(),
      participantRawID: participantId,
      data: Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
      silent: isSilent || isQuiet(samples),
    },
  });
}

function isQuiet(samples: Int16Array): boolean {
  for (let at = 0; at < samples.length; at += 1) {
    if (Math.abs(samples[at] ?? 0) > SILENT_PEAK) return false;
  }
  return true;
}

/** A key, as it is written on it. */
export function toneText(tone: Tone): string {
  return JSON.stringify({ kind: 'DtmfData', dtmfData: { data: tone } });
}
