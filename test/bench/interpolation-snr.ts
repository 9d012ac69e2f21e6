/** Where the pass band ends, and where its image begins, as shares of the rate of the output. */
const BAND_END = 3400 / 16_000;
const IMAGE_START = 4600 / 16_000;

/**
 * How near `doubled` is to the ideal interpolation of `samples`, which repeat: signal to noise in
 * decibels, the errors of the filter's transition left out.
 */
export function interpolationSnrDb(samples: Float64Array, doubled: Int16Array): number {
  const ideal = idealInterpolation(samples);
  const points = 2 ** Math.floor(Math.log2(doubled.length));
  const signal = powerSpectrum(points, (at) => ideal[at] ?? 0);
  const noise = powerSpectrum(points, (at) => (doubled[at] ?? 0) - (ideal[at] ?? 0));
  let signalPower = 0;
  let noisePower = 0;
  for (let bin = 0; bin <= points / 2; bin += 1) {
    const share = bin / points;
    if (share <= BAND_END) signalPower += signal[bin] ?? 0;
    if (share <= BAND_END || share >= IMAGE_START) noisePower += noise[bin] ?? 0;
  }
  return 10 * Math.log10(signalPower / noisePower);
}

/** A sinc of 1,024 samples under a Hann window: flat to far beyond the pass band. */
function idealInterpolation(samples: Float64Array): Float64Array {
  const reach = 512;
  const taps = Float64Array.from({ length: 2 * reach }, (_, at) => {
    const distance = at - reach + 0.5;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / reach);
    return (Math.sin(Math.PI * distance) / (Math.PI * distance)) * window;
  });
  const { length } = samples;
  const doubled = new Float64Array(2 * length);
  for (let n = 0; n < length; n += 1) {
    let between = 0;
    for (let tap = 0; tap < taps.length; tap += 1) {
      between += (taps[tap] ?? 0) * (samples[(n + tap - reach + 1 + length) % length] ?? 0);
    }
    doubled[2 * n] = samples[n] ?? 0;
    doubled[2 * n + 1] = between;
  }
  return doubled;
}

/** Power of each frequency under a Hann window: an iterative radix-2 transform. */
function powerSpectrum(points: number, value: (at: number) => number): Float64Array {
  const re = new Float64Array(points);
  const im = new Float64Array(points);
  const bits = Math.log2(points);
  for (let at = 0; at < points; at += 1) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) reversed = (reversed << 1) | ((at >> bit) & 1);
    re[reversed] = value(at) * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / points));
  }
  for (let half = 1; half < points; half *= 2) {
    for (let group = 0; group < points; group += 2 * half) {
      for (let at = 0; at < half; at += 1) {
        const angle = (-Math.PI * at) / half;
        const low = group + at;
        const high = low + half;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const turnedRe = (re[high] ?? 0) * c - (im[high] ?? 0) * s;
        const turnedIm = (re[high] ?? 0) * s + (im[high] ?? 0) * c;
        re[high] = (re[low] ?? 0) - turnedRe;
        im[high] = (im[low] ?? 0) - turnedIm;
        re[low] = (re[low] ?? 0) + turnedRe;
        im[low] = (im[low] ?? 0) + turnedIm;
      }
    }
  }
  return re.map((value, bin) => value * value + (im[bin] ?? 0) ** 2);
}
