/**
 * Peak amplitude of one frequency in `samples[from … from+count)`, under a Hann window (first side
 * lobe −31 dB; other tones should be 2/duration away or more). Goertzel's algorithm; 0 outside.
 */
export function toneAmplitude(
  samples: Int16Array,
  sampleRateHz: number,
  frequencyHz: number,
  from = 0,
  count: number = samples.length - from,
): number {
  const omega = (2 * Math.PI * frequencyHz) / sampleRateHz;
  const coefficient = 2 * Math.cos(omega);
  let previous = 0;
  let beforePrevious = 0;
  let weight = 0;
  for (let at = 0; at < count; at += 1) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / count);
    const next = (samples[from + at] ?? 0) * window + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = next;
    weight += window;
  }
  const power =
    previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  return weight === 0 ? 0 : (2 * Math.sqrt(Math.max(0, power))) / weight;
}

/** The difference of two amplitudes in decibels; `-Infinity` for silence. */
export function levelDb(amplitude: number, reference = 32_768): number {
  return 20 * Math.log10(amplitude / reference);
}

export type ToneSpan = {
  readonly startMs: number;
  readonly endMs: number;
  /** Mean of the peak amplitude between the edges. */
  readonly amplitude: number;
};

export type ToneSearch = {
  readonly frequencyHz: number;
  /** A tone is there where its amplitude is above this: half of what is expected puts the edges right. */
  readonly threshold: number;
  /** Length of the sliding window. Default 20 ms: tells tones 100 Hz apart. */
  readonly windowMs?: number;
  /** Accuracy of the edges. Default 1 ms. */
  readonly stepMs?: number;
  /** Shorter gaps do not divide a tone. Default 0. */
  readonly bridgeMs?: number;
};

/**
 * Where a tone is heard in a recording. Edges are where the amplitude passes the threshold in the
 * middle of the window; the level is measured away from the edges.
 */
export function findTone(
  samples: Int16Array,
  sampleRateHz: number,
  search: ToneSearch,
): readonly ToneSpan[] {
  const windowMs = search.windowMs ?? 20;
  const stepMs = search.stepMs ?? 1;
  const window = Math.round((windowMs * sampleRateHz) / 1000);
  const step = Math.max(1, Math.round((stepMs * sampleRateHz) / 1000));
  const found: { start: number; end: number; levels: number[] }[] = [];
  for (let middle = 0; middle < samples.length; middle += step) {
    const from = middle - (window >> 1);
    const level = toneAmplitude(samples, sampleRateHz, search.frequencyHz, from, window);
    if (level < search.threshold) continue;
    const last = found.at(-1);
    const bridge = step + ((search.bridgeMs ?? 0) * sampleRateHz) / 1000;
    if (last !== undefined && middle - last.end <= bridge) {
      last.end = middle;
      last.levels.push(level);
    } else {
      found.push({ start: middle, end: middle, levels: [level] });
    }
  }
  const edge = Math.ceil(window / step);
  return found.map(({ start, end, levels }) => {
    const inner = levels.length > 2 * edge ? levels.slice(edge, -edge) : levels;
    return {
      startMs: (start * 1000) / sampleRateHz,
      endMs: (end * 1000) / sampleRateHz,
      amplitude: inner.reduce((sum, level) => sum + level, 0) / inner.length,
    };
  });
}
