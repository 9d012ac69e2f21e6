import type { Tone } from '../../core/tone.ts';
import { COLUMNS_HZ, ROWS_HZ, toneAt } from './frequencies.ts';
import { HopSpectrum } from './hop-spectrum.ts';

/** Decisions are made so often, over two hops each. */
export const HOP_MS = 10;
/** Together, of full scale: quieter keys are echoes or crosstalk. */
const LEAST_LEVEL_DB = -38;
/** Both tones hold so much of all power: voices and music have more than two. */
const LEAST_SHARE = 0.8;
/** Between the two tones; Q.24 asks for 4 to 8. */
const MOST_TWIST_DB = 8;
/** Of a frequency, in parts; Q.24: 1.5 % must do, 3.5 % must not. */
const MOST_DEVIATION = 0.025;
/** Between those of both tones: a note and its octave are 4 % apart where they come nearest to a key. */
const MOST_DISCORD = 0.03;
/** From one hop to the next a tone keeps its level. */
const MOST_CHANGE_DB = 4;
/** So many decisions in a row make a key begin, and so many without it make it end. */
const DECISIONS = 2;

const LEAST_POWER = (32_768 ** 2 / 2) * 10 ** (LEAST_LEVEL_DB / 10);
const MOST_TWIST = 10 ** (MOST_TWIST_DB / 10);
const MOST_CHANGE = 10 ** (MOST_CHANGE_DB / 10);

/**
 * Finds keys in the sound of a telephone: each press of 40 ms or more once, of which 40 ms of pause make the next,
 * between −3 and −25 dBFS, in noise 15 dB below and behind G.711; and none in voices or music.
 */
export class DtmfDetector {
  readonly #onTone: (tone: Tone, durationMs: number) => void;
  readonly #spectrum: HopSpectrum;
  /** Of the last decision, and how often it was made in a row. */
  #last: Tone | undefined;
  #lastCount = 0;
  #pressed: Tone | undefined;
  #pressedHops = 0;
  #missed = 0;

  /**
   * @param sampleRateHz 8,000 or more.
   * @param onTone is told of each key when it is let go, 30 to 40 ms later, with the length of the press to
   * within 20 ms.
   */
  constructor(sampleRateHz: number, onTone: (tone: Tone, durationMs: number) => void) {
    this.#onTone = onTone;
    this.#spectrum = new HopSpectrum(sampleRateHz, HOP_MS, [...ROWS_HZ, ...COLUMNS_HZ]);
  }

  /** The key that is pressed now, as far as has been heard. */
  get pressed(): Tone | undefined {
    return this.#pressed;
  }

  /** The next samples, from `from` up to `to` (excluded). */
  process(samples: Int16Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      at = this.#spectrum.push(samples, at, to);
      if (this.#spectrum.isComplete) this.#decide(this.#heard());
    }
  }

  /** Nothing more comes: a key that is pressed is let go. */
  flush(): void {
    if (this.#pressed !== undefined) this.#letGo(this.#pressed);
  }

  #decide(tone: Tone | undefined): void {
    if (this.#pressed !== undefined) {
      if (tone === this.#pressed) {
        this.#pressedHops += 1 + this.#missed;
        this.#missed = 0;
        return;
      }
      this.#missed += 1;
      if (this.#missed >= DECISIONS) this.#letGo(this.#pressed);
    }
    this.#lastCount = tone === this.#last ? this.#lastCount + 1 : 1;
    this.#last = tone;
    if (tone === undefined || this.#pressed !== undefined || this.#lastCount < DECISIONS) return;
    this.#pressed = tone;
    // The decision before was over the hop before that, too.
    this.#pressedHops = DECISIONS + 1;
    this.#missed = 0;
  }

  #letGo(tone: Tone): void {
    this.#pressed = undefined;
    this.#onTone(tone, this.#pressedHops * HOP_MS);
  }

  /** What the last two hops are. */
  #heard(): Tone | undefined {
    const spectrum = this.#spectrum;
    if (spectrum.power < LEAST_POWER) return undefined;
    const row = strongest(spectrum, 0, ROWS_HZ.length);
    const column = strongest(spectrum, ROWS_HZ.length, COLUMNS_HZ.length);
    const rowPower = spectrum.tonePower(row);
    const columnPower = spectrum.tonePower(column);
    if (rowPower + columnPower < LEAST_SHARE * spectrum.power) return undefined;
    if (rowPower > MOST_TWIST * columnPower || columnPower > MOST_TWIST * rowPower) {
      return undefined;
    }
    if (!isSteady(spectrum, row) || !isSteady(spectrum, column)) return undefined;
    const discord = spectrum.deviation(row) - spectrum.deviation(column);
    if (Math.abs(discord) > MOST_DISCORD) return undefined;
    return toneAt(row, column - ROWS_HZ.length);
  }
}

function strongest(spectrum: HopSpectrum, first: number, count: number): number {
  let best = first;
  for (let at = first + 1; at < first + count; at += 1) {
    if (spectrum.coherentPower(at) > spectrum.coherentPower(best)) best = at;
  }
  return best;
}

function isSteady(spectrum: HopSpectrum, index: number): boolean {
  const change = spectrum.change(index);
  if (change > MOST_CHANGE || change < 1 / MOST_CHANGE) return false;
  return Math.abs(spectrum.deviation(index)) < MOST_DEVIATION;
}
