export type Tone = {
  readonly frequencyHz: number;
  /** Peak, in units of a 16-bit sample. */
  readonly amplitude: number;
  /** At the first sample, in radians. Default 0. */
  readonly phase?: number;
};

/** `count` samples of a steady tone; the one at index `from` of the endless tone comes first. */
export function sine(tone: Tone, sampleRateHz: number, count: number, from = 0): Int16Array {
  const samples = new Int16Array(count);
  const step = (2 * Math.PI * tone.frequencyHz) / sampleRateHz;
  const phase = tone.phase ?? 0;
  for (let at = 0; at < count; at += 1) {
    samples[at] = Math.round(tone.amplitude * Math.sin(step * (from + at) + phase));
  }
  return samples;
}
