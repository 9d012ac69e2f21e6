import { TONES, type Tone } from '../../core/tone.ts';

/** ITU-T Q.23: rows below, columns above. */
export const ROWS_HZ: readonly number[] = [697, 770, 852, 941];
export const COLUMNS_HZ: readonly number[] = [1209, 1336, 1477, 1633];

/** As they lie on the telephone. */
const KEYS = '123A456B789C*0#D';

export function toneAt(row: number, column: number): Tone | undefined {
  const key = KEYS[row * COLUMNS_HZ.length + column];
  return TONES.find((tone) => tone === key);
}

export function frequenciesOf(tone: Tone): { readonly rowHz: number; readonly columnHz: number } {
  const at = KEYS.indexOf(tone);
  return {
    rowHz: ROWS_HZ[Math.floor(at / COLUMNS_HZ.length)] ?? 0,
    columnHz: COLUMNS_HZ[at % COLUMNS_HZ.length] ?? 0,
  };
}
