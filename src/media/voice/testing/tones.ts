import { pick, RATE_HZ, seconds, type Dice, type Signal } from './signal.ts';

const ROWS_HZ = [697, 770, 852, 941];
const COLUMNS_HZ = [1209, 1336, 1477, 1633];

/** Digits at random, of one cadence or of a hand's. */
export function dtmf(roll: Dice, lengthSeconds: number): Signal {
  const signal = seconds(lengthSeconds);
  const isByHand = roll() < 0.5;
  const steady = { on: 0.05 + 0.2 * roll(), off: 0.04 + 0.3 * roll() };
  for (let at = 0; at < signal.length;) {
    const on = isByHand ? 0.06 + 0.5 * roll() : steady.on;
    const off = isByHand ? 0.05 + 0.8 * roll() : steady.off;
    addTones(signal, at, on, [pick(roll, ROWS_HZ), pick(roll, COLUMNS_HZ)], 0.2);
    at += Math.ceil((on + off) * RATE_HZ);
  }
  return signal;
}

/** Call progress tones of several countries: frequencies, then seconds on and off. */
const PROGRESS: readonly { readonly hz: readonly number[]; readonly cadence: readonly number[] }[] =
  [
    { hz: [440, 480], cadence: [2, 4] },
    { hz: [425], cadence: [1, 4] },
    { hz: [400, 450], cadence: [0.4, 0.2, 0.4, 2] },
    { hz: [350, 440], cadence: [60, 0] },
    { hz: [425], cadence: [60, 0] },
    { hz: [480, 620], cadence: [0.5, 0.5] },
    { hz: [480, 620], cadence: [0.25, 0.25] },
    { hz: [425], cadence: [0.48, 0.48] },
    { hz: [425], cadence: [0.24, 0.24] },
    { hz: [400], cadence: [0.375, 0.375] },
    { hz: [1400], cadence: [0.5, 15] },
    { hz: [950, 0, 1400, 0, 1800], cadence: [0.33, 0.03, 0.33, 0.03, 0.33, 1] },
  ];

export const PROGRESS_TONES: number = PROGRESS.length;

export function progressTone(which: number, lengthSeconds: number): Signal {
  const { hz, cadence } = PROGRESS[which] ?? { hz: [], cadence: [1] };
  const isSequence = hz.includes(0);
  const signal = seconds(lengthSeconds);
  for (let at = 0, step = 0; at < signal.length; step += 1) {
    const duration = cadence[step % cadence.length] ?? 0;
    if (step % 2 === 0) {
      const tones = isSequence ? [hz[step % cadence.length] ?? 0] : hz;
      addTones(signal, at, duration, tones, 0.15);
    }
    at += Math.round(duration * RATE_HZ);
  }
  return signal;
}

function addTones(
  signal: Signal,
  at: number,
  duration: number,
  tonesHz: readonly number[],
  gain: number,
): void {
  const end = Math.min(signal.length, at + Math.round(duration * RATE_HZ));
  for (let now = at; now < end; now += 1) {
    for (const hz of tonesHz) {
      signal[now] = (signal[now] ?? 0) + gain * Math.sin((2 * Math.PI * hz * (now - at)) / RATE_HZ);
    }
  }
}
