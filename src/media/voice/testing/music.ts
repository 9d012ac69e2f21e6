import { pick, RATE_HZ, seconds, type Dice, type Signal } from './signal.ts';

/** How a note sounds. */
type Timbre = {
  /** Amplitudes of the harmonics. */
  readonly harmonics: readonly number[];
  readonly attackSeconds: number;
  /** Time constant of the decay; `Infinity` holds the level. */
  readonly decaySeconds: number;
  readonly releaseSeconds: number;
  /** Depth as a part of the frequency, and rate. */
  readonly vibrato: number;
  readonly vibratoHz: number;
};

const MAJOR = [0, 2, 4, 5, 7, 9, 11];
const MINOR = [0, 2, 3, 5, 7, 8, 10];

export const PIECES = ['chords', 'arpeggio', 'drums', 'strings', 'flute', 'piano'] as const;
export type Piece = (typeof PIECES)[number];

/** A piece of a key, tempo and course that the dice choose. */
export function music(piece: Piece, roll: Dice, lengthSeconds: number): Signal {
  const signal = seconds(lengthSeconds);
  const beat = 60 / (60 + 100 * roll());
  const scale = pick(roll, [MAJOR, MINOR]);
  const root = 45 + Math.floor(12 * roll());
  const note = (degree: number): number =>
    440 *
    2 ** ((root + 12 * Math.floor(degree / 7) + (scale[((degree % 7) + 7) % 7] ?? 0) - 69) / 12);
  const timbre = TIMBRES[piece](roll);
  let degree = 7 + Math.floor(7 * roll());
  let chord = 0;
  for (let step = 0, at = 0; at < lengthSeconds; step += 1) {
    if (step % 4 === 0) chord = pick(roll, [0, 3, 4, 5, 1]);
    degree = Math.max(4, Math.min(18, degree + Math.floor(7 * roll()) - 3));
    switch (piece) {
      case 'chords':
        if (step % 2 === 0) {
          for (const third of [0, 2, 4, 7]) play(signal, at, 2 * beat, note(chord + third), timbre);
        }
        at += beat;
        break;
      case 'strings':
        if (step % 4 === 0) {
          for (const third of [0, 4, 9]) play(signal, at, 4.2 * beat, note(chord + third), timbre);
        }
        play(signal, at, beat * 1.1, note(degree), timbre);
        at += beat;
        break;
      case 'arpeggio':
        play(signal, at, beat, note(chord + pick(roll, [0, 2, 4, 7, 9])), timbre);
        at += beat / 4;
        break;
      case 'drums':
        drum(signal, at, step % 4 === 2 ? 0.12 : 0.04, step % 2 === 0 ? 70 : 0, roll);
        drum(signal, at + beat / 2, 0.02, 0, roll);
        if (roll() < 0.8) play(signal, at, beat * pick(roll, [0.5, 0.9]), note(degree), timbre);
        if (step % 2 === 0) play(signal, at, 2 * beat, note(chord - 7), timbre);
        at += beat;
        break;
      case 'flute':
      case 'piano': {
        const length = beat * pick(roll, [0.5, 1, 1, 2]);
        if (roll() < 0.92) play(signal, at, length, note(degree), timbre);
        if (piece === 'piano' && step % 2 === 0) play(signal, at, 2 * beat, note(chord), timbre);
        at += length;
        break;
      }
    }
  }
  return signal;
}

const TIMBRES: Readonly<Record<Piece, (roll: Dice) => Timbre>> = {
  chords: (roll) => ({ ...sawtooth(12, 1), ...vibrato(roll, 0.006), attackSeconds: 0.03 }),
  arpeggio: () => ({ ...sawtooth(8, 1.3), decaySeconds: 0.3 }),
  drums: () => ({ ...sawtooth(10, 1.1), decaySeconds: 0.8 }),
  strings: (roll) => ({ ...sawtooth(16, 1), ...vibrato(roll, 0.012), attackSeconds: 0.12 }),
  flute: (roll) => ({ ...sawtooth(4, 2.2), ...vibrato(roll, 0.012), attackSeconds: 0.06 }),
  piano: () => ({ ...sawtooth(10, 1.5), decaySeconds: 0.5 }),
};

function sawtooth(count: number, slope: number): Timbre {
  return {
    harmonics: Array.from({ length: count }, (_, index) => 0.08 / (index + 1) ** slope),
    attackSeconds: 0.008,
    decaySeconds: Infinity,
    releaseSeconds: 0.08,
    vibrato: 0,
    vibratoHz: 0,
  };
}

function vibrato(roll: Dice, depth: number): Pick<Timbre, 'vibrato' | 'vibratoHz'> {
  return { vibrato: depth * roll(), vibratoHz: 4.5 + 2 * roll() };
}

function play(signal: Signal, start: number, length: number, hz: number, timbre: Timbre): void {
  const from = Math.round(start * RATE_HZ);
  const held = Math.round(length * RATE_HZ);
  const count = held + Math.round(3 * timbre.releaseSeconds * RATE_HZ);
  let phase = 0;
  for (let at = 0; at < count && from + at < signal.length; at += 1) {
    const now = at / RATE_HZ;
    const sway = 1 + timbre.vibrato * Math.sin(2 * Math.PI * timbre.vibratoHz * now);
    phase += (2 * Math.PI * hz * sway) / RATE_HZ;
    const released = Math.max(0, at - held) / RATE_HZ;
    const envelope =
      Math.min(1, now / timbre.attackSeconds) *
      Math.exp(-now / timbre.decaySeconds - released / timbre.releaseSeconds);
    let value = 0;
    timbre.harmonics.forEach((gain, index) => {
      if (hz * (index + 1) < 3_700) value += gain * Math.sin(phase * (index + 1));
    });
    signal[from + at] = (signal[from + at] ?? 0) + envelope * value;
  }
}

/** A burst of noise over a falling tone. */
function drum(signal: Signal, start: number, gain: number, toneHz: number, roll: Dice): void {
  const from = Math.round(start * RATE_HZ);
  let phase = 0;
  for (let at = 0; at < 0.25 * RATE_HZ && from + at < signal.length; at += 1) {
    const now = at / RATE_HZ;
    phase += (2 * Math.PI * toneHz * (1 + Math.exp(-now / 0.02))) / RATE_HZ;
    const value =
      gain * (2 * roll() - 1) * Math.exp(-now / 0.05) +
      (toneHz > 0 ? 0.2 : 0) * Math.sin(phase) * Math.exp(-now / 0.08);
    signal[from + at] = (signal[from + at] ?? 0) + value;
  }
}
