import type { Tone } from '../../core/tone.ts';
import { frequenciesOf } from './frequencies.ts';

/** 0 dBm0 is a sine 3.14 dB below full scale (ITU-T G.711); rows are sent at −9 dBm0, columns at −7. */
const ROW_AMPLITUDE = amplitudeAt(-9);
const COLUMN_AMPLITUDE = amplitudeAt(-7);
/** Over which a key is faded in and out: switched, it would click. */
const RAMP_MS = 2.5;

/** Keys as sound, in packets of any length. */
export class DtmfGenerator {
  readonly #sampleRateHz: number;
  readonly #ramp: number;
  #rowStep = 0;
  #columnStep = 0;
  /** Samples since the key began. */
  #at = 0;
  /** 0 silent … 1 sounding. */
  #gain = 0;
  #isOn = false;

  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz;
    this.#ramp = 1000 / (RAMP_MS * sampleRateHz);
  }

  /** From the next sample on the key sounds. */
  start(tone: Tone): void {
    const { rowHz, columnHz } = frequenciesOf(tone);
    this.#rowStep = (2 * Math.PI * rowHz) / this.#sampleRateHz;
    this.#columnStep = (2 * Math.PI * columnHz) / this.#sampleRateHz;
    this.#at = 0;
    this.#gain = 0;
    this.#isOn = true;
  }

  /** The key fades out over the next samples. */
  stop(): void {
    this.#isOn = false;
  }

  /** The next `count` samples, to the start of `into`. */
  fill(into: Int16Array, count: number): void {
    const ramp = this.#isOn ? this.#ramp : -this.#ramp;
    for (let index = 0; index < count; index += 1) {
      const gain = this.#gain + ramp;
      this.#gain = gain > 1 ? 1 : gain < 0 ? 0 : gain;
      into[index] =
        this.#gain === 0
          ? 0
          : Math.round(
              this.#gain *
                (ROW_AMPLITUDE * Math.sin(this.#rowStep * this.#at) +
                  COLUMN_AMPLITUDE * Math.sin(this.#columnStep * this.#at)),
            );
      this.#at += 1;
    }
  }
}

function amplitudeAt(levelDbm0: number): number {
  return 32_768 * 10 ** ((levelDbm0 - 3.14) / 20);
}
