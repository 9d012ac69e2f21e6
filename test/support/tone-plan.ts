import { readFile, writeFile } from 'node:fs/promises';
import { sine } from '../../src/media/tone/sine.ts';
import { encodeG711 } from '../../src/media/g711/g711.ts';
import { findTone, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import { wavHeader } from '../../src/media/wav/wav-header.ts';
import { readWav, type WavClip } from '../../src/media/wav/wav-reader.ts';

/** One tone that sounds and pauses as planned: milliseconds from the start of the clip. */
export type TonePlan = {
  readonly frequencyHz: number;
  readonly spans: readonly { readonly startMs: number; readonly endMs: number }[];
  readonly totalMs: number;
  /** Peak, in units of a 16-bit sample. */
  readonly amplitude: number;
};

const RATE_HZ = 8_000;

/** Writes the plan as a mono 16-bit WAV, at 8 kHz by default. */
export async function writeTonePlan(
  plan: TonePlan,
  path: string,
  sampleRateHz: number = RATE_HZ,
): Promise<void> {
  await writeSamples(samplesOfPlan(plan, sampleRateHz), path, sampleRateHz);
}

/** Writes mono 16-bit WAV, at 8 kHz by default. */
export async function writeSamples(
  samples: Int16Array,
  path: string,
  sampleRateHz: number = RATE_HZ,
): Promise<void> {
  const header = wavHeader({ sampleRateHz, channels: 1 }, samples.byteLength);
  await writeFile(path, Buffer.concat([header, Buffer.from(samples.buffer)]));
}

/** Writes the plan as headerless PCMU. */
export async function writePcmuPlan(plan: TonePlan, path: string): Promise<void> {
  const samples = samplesOfPlan(plan);
  const bytes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, bytes);
  await writeFile(path, bytes);
}

/** The plan in samples, 8,000 a second by default. */
export function samplesOfPlan(plan: TonePlan, sampleRateHz: number = RATE_HZ): Int16Array {
  const samples = new Int16Array((plan.totalMs * sampleRateHz) / 1000);
  for (const { startMs, endMs } of plan.spans) {
    const from = (startMs * sampleRateHz) / 1000;
    const count = ((endMs - startMs) * sampleRateHz) / 1000;
    samples.set(sine(plan, sampleRateHz, count, from), from);
  }
  return samples;
}

export async function readClip(path: string): Promise<WavClip> {
  const clip = readWav(await readFile(path));
  if (!clip.ok) throw new Error(`${path}: ${clip.defect}`);
  return clip.value;
}

/** Where the tone sounds in the clip. */
export function spansOf(
  clip: WavClip,
  frequencyHz: number,
  amplitude: number,
): readonly ToneSpan[] {
  return findTone(clip.samples, clip.sampleRateHz, {
    frequencyHz,
    threshold: amplitude / 2,
    bridgeMs: 5,
  });
}

/** What a phone has not heard of a tone in one go, at most. */
const MOST_LOST_MS = 150;
/** Of a tone that a phone has heard. */
const LEAST_HEARD = 0.75;

/**
 * As `spansOf`, of what a phone has heard: what comes too late on a busy machine is missing, and does not divide a
 * tone of which most is there.
 */
export function heardSpans(
  clip: WavClip,
  frequencyHz: number,
  amplitude: number,
): readonly ToneSpan[] {
  const pieces = spansOf(clip, frequencyHz, amplitude);
  const search = { frequencyHz, threshold: amplitude / 2, bridgeMs: MOST_LOST_MS };
  return findTone(clip.samples, clip.sampleRateHz, search).flatMap((span) => {
    const heard = pieces.filter(
      ({ startMs, endMs }) => startMs >= span.startMs && endMs <= span.endMs,
    );
    const heardMs = heard.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    return heardMs >= LEAST_HEARD * (span.endMs - span.startMs) ? [span] : heard;
  });
}
