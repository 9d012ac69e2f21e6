import { block } from './waveform.ts';

/** The part of audiowaveform's JSON that a picture needs. */
export type Peaks = {
  readonly channels: number;
  readonly bits: 8 | 16;
  /** Points; each has a lowest and a highest sample of every channel. */
  readonly length: number;
  readonly data: readonly number[];
};

/** One line of blocks per channel: the peak of each of `columns` slices, in dB. */
export function peaksPicture(peaks: Peaks, columns: number): readonly string[] {
  const fullScale = 2 ** (peaks.bits - 1);
  return Array.from({ length: peaks.channels }, (_, channel) => {
    let picture = '';
    for (let column = 0; column < Math.min(columns, peaks.length); column += 1) {
      const [from, to] = [column, column + 1].map((edge) =>
        Math.floor((peaks.length * edge) / Math.min(columns, peaks.length)),
      );
      let peak = 0;
      for (let point = from ?? 0; point < (to ?? 0); point += 1) {
        const at = 2 * (point * peaks.channels + channel);
        peak = Math.max(peak, Math.abs(peaks.data[at] ?? 0), Math.abs(peaks.data[at + 1] ?? 0));
      }
      picture += block(peak / fullScale);
    }
    return picture;
  });
}
