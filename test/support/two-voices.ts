import type { TonePlan } from './tone-plan.ts';

/** Tones begin a second after the call: media of a phone that shows another address is taken after 500 ms. */
export const ALICE: TonePlan = {
  frequencyHz: 440,
  spans: [
    { startMs: 1_500, endMs: 2_500 },
    { startMs: 3_000, endMs: 3_600 },
  ],
  totalMs: 4_500,
  amplitude: 16_384,
};
export const BOB: TonePlan = {
  frequencyHz: 1_000,
  spans: [
    { startMs: 2_000, endMs: 2_800 },
    { startMs: 3_300, endMs: 4_200 },
  ],
  totalMs: 4_500,
  amplitude: 16_384,
};
