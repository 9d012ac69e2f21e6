import { readFile } from 'node:fs/promises';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { toneAmplitude } from '../../src/media/tone/tone-meter.ts';

/**
 * What the phones of `alice` and `bob` say: speech, since only who speaks gets a channel, and quiet
 * tones above it by which a recording tells who and when. Alice's are two that change every tenth
 * of a second and come together again after twelve seconds: one climbs a stair each time, the other
 * once the first is through. Bob's stays.
 */
const STAIR_MS = 100;
const STAIRS = 11;
const CODES: number = STAIRS * STAIRS;
export const ROUND_MS: number = CODES * STAIR_MS;
const RISE_HZ = 50;
const LOW_HZ = 2_200;
const HIGH_HZ = 2_850;
const STEADY_HZ = 2_000;
/** Peaks of the tones: −30 dB below full scale, which speech seldom reaches up there. */
const AMPLITUDE = 1_000;
const STEADY_AMPLITUDE = 700;
const RATE_HZ = 8_000;
const VOICES: URL = new URL('../fixtures/voice/', import.meta.url);

const WINDOW_MS = 40;
const HOP_MS = 10;
/** Windows that follow one another, of which an edge or a hiss spoils fewer. */
const LEAST_WINDOWS = 4;
const HEARD = AMPLITUDE / 3;

/** One round of what alice's phone says, at 8 kHz. */
export function voiceOfAlice(): Promise<Int16Array> {
  return voice('american-man.ulaw', AMPLITUDE, (at) => {
    const code = Math.floor((at * 1000) / (RATE_HZ * STAIR_MS));
    return [lowOf(code), highOf(code)];
  });
}

/** As long as alice's. */
export function voiceOfBob(): Promise<Int16Array> {
  return voice('american-woman.ulaw', STEADY_AMPLITUDE, () => [STEADY_HZ]);
}

async function voice(
  name: string,
  amplitude: number,
  tonesAt: (at: number) => readonly number[],
): Promise<Int16Array> {
  const encoded = await readFile(new URL(name, VOICES));
  const speech = new Int16Array(encoded.length);
  decodeG711('PCMU', encoded, speech);
  return Int16Array.from({ length: (ROUND_MS * RATE_HZ) / 1000 }, (_, at) => {
    const sines = tonesAt(at).map((hz) => amplitude * Math.sin((2 * Math.PI * hz * at) / RATE_HZ));
    // Half the level, so that nothing is clipped in a mix of the two.
    return Math.round(sines.reduce((sum, one) => sum + one, (speech[at % speech.length] ?? 0) / 2));
  });
}

function lowOf(code: number): number {
  return LOW_HZ + (code % STAIRS) * RISE_HZ;
}

/**
 * One higher each time that the low tone begins again; and shifted by another number for each low
 * tone, so that windows across edges, which show the low tone of one stair and the high one of the
 * next, agree on no moment.
 */
function highOf(code: number): number {
  const low = code % STAIRS;
  const shift = (low * (low + 1)) / 2;
  return HIGH_HZ + ((Math.floor(code / STAIRS) + shift) % STAIRS) * RISE_HZ;
}

const CODE_OF: ReadonlyMap<number, number> = new Map(
  Array.from({ length: CODES }, (_, code) => [lowOf(code) * 10_000 + highOf(code), code]),
);

/** A stretch in which alice is heard without a break. */
export type Climb = {
  /** Place in the file. */
  readonly startMs: number;
  readonly endMs: number;
  /** Moment of the round at which `startMs` was said, within a millisecond. */
  readonly saidAtMs: number;
  /** Less than its length where something is silent or overlaid. */
  readonly heardMs: number;
};

/** Where alice is heard in a file, and which moments of the round these are. */
export function findClimbs(samples: Int16Array, rateHz: number): readonly Climb[] {
  const windowLength = (rateHz * WINDOW_MS) / 1000;
  const open: Window[][] = [];
  for (let fromMs = 0; ; fromMs += HOP_MS) {
    const from = (fromMs * rateHz) / 1000;
    if (from + windowLength > samples.length) break;
    const code = codeAt(samples, rateHz, from, windowLength);
    if (code === undefined) continue;
    const here = { code, middleMs: fromMs + WINDOW_MS / 2 };
    const fitting = open.find((windows) => continues(windows, here) && isRecent(windows, here));
    if (fitting !== undefined) fitting.push(here);
    else open.push([here]);
  }
  const climbs = open.filter((windows) => windows.length >= LEAST_WINDOWS && isDense(windows));
  const whole: Window[][] = [];
  for (const windows of climbs) {
    const before = whole.at(-1);
    if (before !== undefined && windows.every((one) => continues(before, one))) {
      before.push(...windows);
    } else whole.push(windows);
  }
  return whole.map((windows) => refined(climbOf(windows), samples, rateHz));
}

/**
 * The windows tell the moment within 20 ms. The tones begin the round in step, and those of one stair
 * are out of step with the next one's: where they agree with the file over several stairs is the moment.
 */
function refined(climb: Climb, samples: Int16Array, rateHz: number): Climb {
  // Two stairs each side of the middle: the ends may have other sounds in them.
  const middleMs = (climb.startMs + climb.endMs) / 2;
  const halfMs = Math.min(2 * STAIR_MS, (climb.endMs - climb.startMs) / 2);
  const step = rateHz / RATE_HZ;
  const from = Math.round(((middleMs - halfMs) * RATE_HZ) / 1000);
  const count = Math.floor((2 * halfMs * RATE_HZ) / 1000);
  const said = climb.saidAtMs - climb.startMs + middleMs - halfMs;
  const nearest = Math.round((said * RATE_HZ) / 1000);
  const reach = (WINDOW_MS * RATE_HZ) / 1000;
  let best = nearest;
  let most = -Infinity;
  for (let guess = nearest - reach; guess <= nearest + reach; guess += 1) {
    let agreement = 0;
    for (let at = 0; at < count; at += 1) {
      agreement += (samples[(from + at) * step] ?? 0) * tonesOfAlice(guess + at);
    }
    if (agreement <= most) continue;
    most = agreement;
    best = guess;
  }
  const saidAtMs = modulo(climb.saidAtMs + ((best - nearest) * 1000) / RATE_HZ, ROUND_MS);
  return { ...climb, saidAtMs };
}

const ROUND_SAMPLES = (ROUND_MS * RATE_HZ) / 1000;
let tones: Float64Array | undefined;

/** Her two tones without her voice, at a sample of the round. */
function tonesOfAlice(at: number): number {
  tones ??= Float64Array.from({ length: ROUND_SAMPLES }, (_, sample) => {
    const code = Math.floor((sample * 1000) / (RATE_HZ * STAIR_MS));
    const sine = (hz: number): number => Math.sin((2 * Math.PI * hz * sample) / RATE_HZ);
    return sine(lowOf(code)) + sine(highOf(code));
  });
  return tones[modulo(at, ROUND_SAMPLES)] ?? 0;
}

/** What was said between the two, and is not in the file. */
export function missingMs(before: Climb, after: Climb): number {
  return modulo(after.saidAtMs - before.saidAtMs - (after.startMs - before.startMs), ROUND_MS);
}

/** Part of a file in which bob is heard, 0 to 1. */
export function heardOfBob(samples: Int16Array, rateHz: number): number {
  const length = (rateHz * STAIR_MS) / 1000;
  let heard = 0;
  let windows = 0;
  for (let from = 0; from + length <= samples.length; from += length) {
    windows += 1;
    if (toneAmplitude(samples, rateHz, STEADY_HZ, from, length) > HEARD) heard += 1;
  }
  return windows === 0 ? 0 : heard / windows;
}

function codeAt(
  samples: Int16Array,
  rateHz: number,
  from: number,
  count: number,
): number | undefined {
  const loudest = (lowestHz: number): number => {
    let best = 0;
    let most = HEARD;
    for (let hz = lowestHz; hz < lowestHz + STAIRS * RISE_HZ; hz += RISE_HZ) {
      const amplitude = toneAmplitude(samples, rateHz, hz, from, count);
      if (amplitude <= most) continue;
      most = amplitude;
      best = hz;
    }
    return best;
  };
  return CODE_OF.get(loudest(LOW_HZ) * 10_000 + loudest(HIGH_HZ));
}

type Window = { readonly code: number; readonly middleMs: number };

/** A hiss that passes may hide alice, but not for so long. */
function isRecent(windows: readonly Window[], next: Window): boolean {
  return next.middleMs - (windows.at(-1)?.middleMs ?? 0) <= 2 * STAIR_MS;
}

function isDense(windows: readonly Window[]): boolean {
  const { startMs, endMs, heardMs } = climbOf(windows);
  return heardMs >= (endMs - startMs) / 2;
}

function continues(windows: readonly Window[], next: Window): boolean {
  const { least, most } = offsets([...windows.slice(-40), next]);
  // What holds for all windows, give or take one that shows the neighbouring stair.
  return least - most <= WINDOW_MS;
}

function climbOf(windows: readonly Window[]): Climb {
  const { least, most } = offsets(windows);
  const startMs = (windows[0]?.middleMs ?? 0) - WINDOW_MS / 2;
  const endMs = (windows.at(-1)?.middleMs ?? 0) + WINDOW_MS / 2;
  const saidAtMs = modulo(startMs + (least + most) / 2, ROUND_MS);
  return { startMs, endMs, saidAtMs, heardMs: windows.length * HOP_MS + WINDOW_MS - HOP_MS };
}

/** Bounds of (moment of the round − place in the file), unwrapped around the first window. */
function offsets(windows: readonly Window[]): { readonly least: number; readonly most: number } {
  const [first] = windows;
  if (first === undefined) return { least: 0, most: 0 };
  const base = first.code * STAIR_MS - first.middleMs;
  let least = -Infinity;
  let most = Infinity;
  for (const { code, middleMs } of windows) {
    const offset = code * STAIR_MS - middleMs;
    const unwrapped = base + modulo(offset - base + ROUND_MS / 2, ROUND_MS) - ROUND_MS / 2;
    least = Math.max(least, unwrapped);
    most = Math.min(most, unwrapped + STAIR_MS);
  }
  return { least, most };
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
