import { encodeG711 } from '../../media/g711/g711.ts';
import { sine } from '../../media/tone/sine.ts';
import { findTone, levelDb, type ToneSpan } from '../../media/tone/tone-meter.ts';

/** From and to, in milliseconds. */
export type ToneTimes = readonly (readonly [number, number])[];

export type Spoken = {
  readonly frequencyHz: number;
  readonly amplitude: number;
  readonly lengthMs: number;
  readonly tonesMs: ToneTimes;
};

/** Silence with tones at planned times, as PCMU at 8 kHz. */
export function spoken({ frequencyHz, amplitude, lengthMs, tonesMs }: Spoken): Uint8Array {
  const samples = new Int16Array(lengthMs * 8);
  for (const [fromMs, toMs] of tonesMs) {
    samples.set(sine({ frequencyHz, amplitude }, 8000, (toMs - fromMs) * 8), fromMs * 8);
  }
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}

/** Where a tone of the planned amplitude is heard, and how far its level is off at most. */
export function heardTones(
  samples: Int16Array,
  tone: { readonly frequencyHz: number; readonly amplitude: number },
): { readonly spans: readonly ToneSpan[]; readonly worstDb: number } {
  const spans = findTone(samples, 16_000, {
    frequencyHz: tone.frequencyHz,
    threshold: tone.amplitude / 2,
    stepMs: 2,
  });
  const worstDb = Math.max(
    0,
    ...spans.map(({ amplitude }) => Math.abs(levelDb(amplitude, tone.amplitude))),
  );
  return { spans, worstDb };
}
