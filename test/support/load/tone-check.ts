import { PACKET_MS, TONE_PEAK, type CallTones } from './payloads.ts';

const TOLERANCE_DB = 1;
/** A tone that is not meant to be there stays this far below one that is. */
const ABSENT_DB = -30;
const STARTS_IN_FRAME = 4;

export type ToneCheck = {
  readonly framesChecked: number;
  /** Frames in which a tone was missing, too loud or too quiet, by their number in the file. */
  readonly wrongFrames: readonly number[];
};

/** A part of a file, from its beginning. */
export type Stretch = { readonly fromMs: number; readonly toMs: number };

/** Whether both tones of a call are in every 20 ms of a stretch of its recording, each within 1 dB. */
export function checkTones(
  samples: Int16Array,
  sampleRateHz: number,
  tones: CallTones,
  stretch: Stretch,
): ToneCheck {
  const presentHz = [tones.callerHz, tones.calleeHz];
  return checkChannel(samples, sampleRateHz, { presentHz, absentHz: [] }, stretch);
}

/**
 * Whether every 20 ms of a stretch of one channel has the tones that are its own, each within 1 dB,
 * and not those of others. All have whole periods in 20 ms, so none shows in the measure of another.
 */
export function checkChannel(
  samples: Int16Array,
  sampleRateHz: number,
  tones: { readonly presentHz: readonly number[]; readonly absentHz: readonly number[] },
  stretch: Stretch,
): ToneCheck {
  const frameSamples = (sampleRateHz * PACKET_MS) / 1000;
  const waveOf = (hz: number): Wave => wave(hz, sampleRateHz, frameSamples);
  const present = tones.presentHz.map(waveOf);
  const absent = tones.absentHz.map(waveOf);
  const first = Math.max(0, Math.ceil(stretch.fromMs / PACKET_MS));
  const behind = Math.floor(stretch.toMs / PACKET_MS);
  const wrongFrames: number[] = [];
  for (let frame = first; frame < behind; frame += 1) {
    const from = frame * frameSamples;
    const isRight =
      present.every((one) => Math.abs(levelDb(samples, from, one)) <= TOLERANCE_DB) &&
      absent.every((one) => levelDb(samples, from, one) <= ABSENT_DB);
    if (!isRight) wrongFrames.push(frame);
  }
  return { framesChecked: Math.max(0, behind - first), wrongFrames };
}

/**
 * How far from its own level a tone ever is, from a frame on, in dB: in any 20 ms that begin at a multiple of
 * 5 ms, as frames of a recording do not begin where packets do.
 */
export function farthestDb(
  samples: Int16Array,
  sampleRateHz: number,
  frequencyHz: number,
  firstFrame: number,
): number {
  const frameSamples = (sampleRateHz * PACKET_MS) / 1000;
  const tone = wave(frequencyHz, sampleRateHz, frameSamples);
  let farthest = 0;
  let from = firstFrame * frameSamples;
  for (; from + frameSamples <= samples.length; from += frameSamples / STARTS_IN_FRAME) {
    farthest = Math.max(farthest, Math.abs(levelDb(samples, from, tone)));
  }
  return farthest;
}

type Wave = { readonly cosine: Float64Array; readonly sine: Float64Array };

function wave(frequencyHz: number, sampleRateHz: number, count: number): Wave {
  const step = (2 * Math.PI * frequencyHz) / sampleRateHz;
  return {
    cosine: Float64Array.from({ length: count }, (_, at) => Math.cos(step * at)),
    sine: Float64Array.from({ length: count }, (_, at) => Math.sin(step * at)),
  };
}

/** Of a leg's own tone it is 0; silence, also behind the end of the samples, is −Infinity. */
function levelDb(samples: Int16Array, from: number, { cosine, sine }: Wave): number {
  let real = 0;
  let imaginary = 0;
  for (let at = 0; at < cosine.length; at += 1) {
    const sample = samples[from + at] ?? 0;
    real += sample * (cosine[at] ?? 0);
    imaginary += sample * (sine[at] ?? 0);
  }
  const amplitude = (2 * Math.hypot(real, imaginary)) / cosine.length;
  return 20 * Math.log10(amplitude / (TONE_PEAK * 32_768));
}
