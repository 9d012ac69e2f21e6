import { Band } from './band.ts';
import { HIGH_STEPS, HIGH_VALUES, LOW_STEPS, LOW_VALUES_4, LOW_VALUES_6 } from './tables.ts';

/** Bits that a quantized difference stands below the scale factor. */
const VALUE_BITS = 10;

/** Both bands of a stream, which codes move alike in encoder and decoder. */
export class Bands {
  readonly low: Band = new Band(LOW_STEPS, 18_432, 8);
  readonly high: Band = new Band(HIGH_STEPS, 22_528, 10);

  /** The sample of the lower band that a 6-bit code stands for, before the band moves on. */
  lowSample(code: number): number {
    const { low } = this;
    return clip15(low.prediction + ((low.scale * (LOW_VALUES_6[code] as number)) >> VALUE_BITS));
  }

  /** The sample of the higher band that a 2-bit code stands for, before the band moves on. */
  highSample(code: number): number {
    const { high } = this;
    return clip15(high.prediction + ((high.scale * (HIGH_VALUES[code] as number)) >> VALUE_BITS));
  }

  moveLow(code: number): void {
    const { low } = this;
    // Two bits fewer than were sent, so that a stream whose lowest bits were taken away decodes too.
    const step = code >> 2;
    low.update((low.scale * (LOW_VALUES_4[step] as number)) >> VALUE_BITS, step);
  }

  moveHigh(code: number): void {
    const { high } = this;
    high.update((high.scale * (HIGH_VALUES[code] as number)) >> VALUE_BITS, code & 1);
  }

  copy(other: Bands): void {
    this.low.copy(other.low);
    this.high.copy(other.high);
  }
}

function clip15(value: number): number {
  return value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value;
}
