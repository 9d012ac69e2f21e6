import { PACKET_MS, TONE_PEAK, type CallTones } from './payloads.ts';

const TOLERANCE_DB = 1;

export type ToneCheck = {
  readonly framesChecked: number;
  /** Frames in which a tone was missing, too loud or too quiet, by their number in the file. */
  readonly wrongFrames: readonly number[];
};

/**
 * Whether both tones of a call are in every 20 ms of a stretch of its recording, each within 1 dB.
 * Both have whole periods in 20 ms, so neither shows in the measure of the other.
 */
export function checkTones(
  samples: Int16Array,
  sampleRateHz: number,
  tones: CallTones,
  stretch: { readonly fromMs: number; readonly toMs: number },
): ToneCheck {
  const frameSamples = (sampleRateHz * PACKET_MS) / 1000;
  const waves = [tones.callerHz, tones.calleeHz].map((hz) => wave(hz, sampleRateHz, frameSamples));
  const first = Math.max(0, Math.ceil(stretch.fromMs / PACKET_MS));
  const behind = Math.floor(stretch.toMs / PACKET_MS);
  const wrongFrames: number[] = [];
  for (let frame = first; frame < behind; frame += 1) {
    const from = frame * frameSamples;
    const isRight = waves.every(({ cosine, sine }) => {
      const level = 20 * Math.log10(amplitude(samples, from, cosine, sine) / (TONE_PEAK * 32_768));
      return Math.abs(level) <= TOLERANCE_DB;
    });
    if (!isRight) wrongFrames.push(frame);
  }
  return { framesChecked: Math.max(0, behind - first), wrongFrames };
}

type Wave = { readonly cosine: Float64Array; readonly sine: Float64Array };

function wave(frequencyHz: number, sampleRateHz: number, count: number): Wave {
  const step = (2 * Math.PI * frequencyHz) / sampleRateHz;
  return {
    cosine: Float64Array.from({ length: count }, (_, at) => Math.cos(step * at)),
    sine: Float64Array.from({ length: count }, (_, at) => Math.sin(step * at)),
  };
}

/** 0 behind the end of the samples. */
function amplitude(
  samples: Int16Array,
  from: number,
  cosine: Float64Array,
  sine: Float64Array,
): number {
  let real = 0;
  let imaginary = 0;
  for (let at = 0; at < cosine.length; at += 1) {
    const sample = samples[from + at] ?? 0;
    real += sample * (cosine[at] ?? 0);
    imaginary += sample * (sine[at] ?? 0);
  }
  return (2 * Math.hypot(real, imaginary)) / cosine.length;
}
