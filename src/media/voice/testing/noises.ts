import { RATE_HZ, seconds, type Dice, type Signal } from './signal.ts';

/** Gaussian noise through one pole: `colour` 0 is white, near 1 is brown, below 0 hisses. */
export function noise(roll: Dice, lengthSeconds: number, colour: number): Signal {
  let last = 0;
  return seconds(lengthSeconds).map(() => {
    const normal = Math.sqrt(-2 * Math.log(1 - roll())) * Math.cos(2 * Math.PI * roll());
    last = colour * last + (1 - Math.abs(colour)) * normal;
    return 0.1 * last;
  });
}

/**
 * Comfort noise as RFC 3389 receivers make it: noise through an all-pole filter, level and
 * reflection coefficients of each description held until the next one comes.
 */
export function comfortNoise(roll: Dice, lengthSeconds: number): Signal {
  const signal = seconds(lengthSeconds);
  const state = [0, 0, 0, 0];
  let reflections = [0, 0, 0, 0];
  let gain = 1;
  let next = 0;
  for (let at = 0; at < signal.length; at += 1) {
    if (at >= next) {
      next = at + RATE_HZ * (0.1 + 2 * roll());
      reflections = [-0.9 + roll(), -0.4 + 0.8 * roll(), -0.3 + 0.6 * roll(), -0.2 + 0.4 * roll()];
      gain = 10 ** (-(35 + 40 * roll()) / 20);
    }
    let forward = gain * (2 * roll() - 1);
    for (let stage = 3; stage >= 0; stage -= 1) {
      const k = reflections[stage] ?? 0;
      forward -= k * (state[stage] ?? 0);
      if (stage < 3) state[stage + 1] = (state[stage] ?? 0) + k * forward;
    }
    state[0] = forward;
    signal[at] = forward;
  }
  return signal;
}

/** Mains hum with harmonics that fall off, or a buzz of many equal ones. */
export function hum(roll: Dice, lengthSeconds: number, mainsHz: 50 | 60, isBuzz: boolean): Signal {
  const harmonics = Array.from({ length: isBuzz ? 40 : 8 }, (_, index) => ({
    hz: mainsHz * (index + 1),
    gain: isBuzz ? 0.02 : (0.3 * roll()) / (index + 1) ** 1.5,
    phase: isBuzz ? 0 : 2 * Math.PI * roll(),
  }));
  return seconds(lengthSeconds).map((_, at) =>
    harmonics.reduce(
      (total, { hz, gain, phase }) =>
        total + gain * Math.sin((2 * Math.PI * hz * at) / RATE_HZ + phase),
      0,
    ),
  );
}

/** Short loud pulses at random, some of them single samples, some that ring. */
export function clicks(roll: Dice, lengthSeconds: number): Signal {
  const signal = seconds(lengthSeconds);
  for (let at = 0; at < signal.length; at += Math.ceil(RATE_HZ * (0.02 + 0.6 * roll()))) {
    const ringHz = 200 + 3_000 * roll();
    const decay = roll() < 0.4 ? 1 : RATE_HZ * (0.001 + 0.01 * roll());
    const height = 0.1 + 0.9 * roll();
    for (let after = 0; after < 8 * decay && at + after < signal.length; after += 1) {
      const ring = Math.cos((2 * Math.PI * ringHz * after) / RATE_HZ);
      signal[at + after] = (signal[at + after] ?? 0) + height * ring * Math.exp(-after / decay);
    }
  }
  return signal;
}
