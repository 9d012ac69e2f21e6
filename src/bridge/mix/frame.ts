/** Everything is mixed in frames of this length. */
export const FRAME_MS = 20;
export const FRAME_US: number = FRAME_MS * 1000;

/** Of the mix, and of whatever is played into it. */
export const WIDE_RATE_HZ = 16_000;
/** Of those who speak and hear telephone band: the mix is made at their own rate, too. */
export const NARROW_RATE_HZ = 8000;

export const WIDE_SAMPLES: number = (WIDE_RATE_HZ * FRAME_MS) / 1000;
export const NARROW_SAMPLES: number = (NARROW_RATE_HZ * FRAME_MS) / 1000;

/** At which a source or listener takes part in the mix; other rates are converted to the wide one. */
export type MixRate = typeof WIDE_RATE_HZ | typeof NARROW_RATE_HZ;

export function mixRateOf(sampleRateHz: number): MixRate {
  return sampleRateHz === NARROW_RATE_HZ ? NARROW_RATE_HZ : WIDE_RATE_HZ;
}
