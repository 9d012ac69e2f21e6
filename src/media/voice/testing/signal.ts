import { encodeG711, g711Samples } from '../../g711/g711.ts';

/** 8 kHz; full scale is ±1 until `asHeard`. */
export type Signal = Float64Array;
export const RATE_HZ = 8_000;

export type Dice = () => number;

/** Evenly between 0 and 1, always the same for a seed (mulberry32). */
export function dice(seed: number): Dice {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(roll: Dice, choices: readonly T[]): T {
  return choices[Math.floor(roll() * choices.length)] as T; // `choices` is never empty here
}

export function seconds(count: number): Signal {
  return new Float64Array(Math.round(count * RATE_HZ));
}

/** Root mean square in dB below full scale (of a square wave). */
export function levelOf(signal: Signal): number {
  return 10 * Math.log10(signal.reduce((sum, value) => sum + value * value, 1e-20) / signal.length);
}

/** The same at another level. */
export function atLevel(signal: Signal, levelDb: number): Signal {
  const gain = 10 ** ((levelDb - levelOf(signal)) / 20);
  return signal.map((value) => value * gain);
}

export function sum(left: Signal, right: Signal): Signal {
  const longer = left.length >= right.length ? left : right;
  return longer.map((_, at) => (left[at] ?? 0) + (right[at] ?? 0));
}

export function joined(...parts: readonly Signal[]): Signal {
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What a phone's G.711 leaves of a signal. */
export function asHeard(signal: Signal): Int32Array {
  const samples = Int16Array.from(signal, (value) =>
    Math.round(Math.max(-1, Math.min(1, value)) * 32_767),
  );
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  const table = g711Samples('PCMU');
  return Int32Array.from(codes, (code) => table[code] ?? 0);
}
