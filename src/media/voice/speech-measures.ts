/** What tells speech in a second of sound; counts are parts of all frames, 0 to 1. */
export type SpeechMeasures = {
  /** Frames above the noise. */
  active: number;
  /** Of the level in dB: standard deviation, loudest less quietest, mean step between frames. */
  levelSpread: number;
  levelRange: number;
  levelStep: number;
  /** Standard deviation of `colour` over active frames: vowels and hisses are far apart. */
  colourSpread: number;
  voiced: number;
  /** Stretches of voiced frames without a jump of pitch. */
  runs: number;
  /** Mean step of pitch between voiced frames, as a part of the frequency. */
  pitchStep: number;
  /** Voiced frames whose pitch was the same 60 ms before, and those where it was clearly another. */
  still: number;
  gliding: number;
};

type Term = readonly [weight: number, value: (measures: SpeechMeasures) => number];

/**
 * Evidence for speech, and against it, found by logistic regression over the material that
 * docs/decisions/0013-who-speaks-first.md lists. Speech glides in pitch while its level and colour change;
 * notes stand still and change one thing at a time. Values are capped where more says nothing more.
 */
const TERMS: readonly Term[] = [
  [-3.844, () => 1],
  [-2.084, ({ active }) => active],
  [-0.205, ({ levelSpread }) => Math.min(levelSpread, 20)],
  [-0.0386, ({ levelRange }) => Math.min(levelRange, 30)],
  [0.28, ({ levelStep }) => Math.min(levelStep, 4)],
  [14.54, ({ colourSpread }) => Math.min(colourSpread, 0.3)],
  [-1.557, ({ voiced }) => voiced],
  [-2.457, ({ voiced }) => Math.min(voiced, 0.3)],
  [-8.436, ({ still }) => still],
  [0.5, ({ gliding }) => Math.min(gliding, 0.3)],
  [140.7, ({ pitchStep }) => Math.min(pitchStep, 0.03)],
  [2.75, ({ runs }) => runs],
  [2.294, (of) => Math.min(of.levelSpread, 6) * Math.min(of.gliding, 0.2)],
  [119.8, (of) => Math.min(of.colourSpread, 0.15) * Math.min(of.gliding, 0.2)],
  [4.539, (of) => Math.min(of.levelStep, 3) * Math.min(of.gliding, 0.2)],
  [6.652, (of) => Math.min(of.levelStep, 3) * Math.min(of.voiced, 0.3)],
];

/** Above 0 speech is more likely than not in material that is half speech. */
export function speechScore(measures: SpeechMeasures): number {
  let score = 0;
  for (const [weight, value] of TERMS) score += weight * value(measures);
  return score;
}
