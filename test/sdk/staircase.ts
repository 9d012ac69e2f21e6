import { toneAmplitude } from '../../src/media/tone/tone-meter.ts';

/**
 * What the phone of `alice` says: another tone every tenth of a second, and the same again after
 * eleven seconds, so that any stretch of a recording tells which moment it is.
 */
export const STAIR_MS = 100;
const STAIRS = 110;
const LOWEST_HZ = 600;
const RISE_HZ = 25;
// Coprime to the number of stairs. Neighbours are far apart, so that a window across the edge of two
// shows one of them and nothing between.
const STRIDE = 31;
export const ROUND_MS: number = STAIRS * STAIR_MS;

/** What the phone of `bob` says all the time: below the stairs, and on no side lobe of theirs. */
export const STEADY_HZ = 400;

const WINDOW_MS = 40;
const HOP_MS = 10;
/** Windows that follow one another, of which an edge spoils fewer. */
const LEAST_WINDOWS = 4;
/** A quarter of what a phone sends (−6 dB below full scale). */
const HEARD = 4_096;

/** The configuration of a simulated phone that says it. */
export function staircaseScript(): readonly { readonly tone: number; readonly for: string }[] {
  return Array.from({ length: STAIRS }, (_, stair) => ({
    tone: frequencyOf(stair),
    for: `${STAIR_MS}ms`,
  }));
}

function frequencyOf(stair: number): number {
  return LOWEST_HZ + ((stair * STRIDE) % STAIRS) * RISE_HZ;
}

/** A stretch in which the stairs are climbed without a break. */
export type Climb = {
  /** Place in the file. */
  readonly startMs: number;
  readonly endMs: number;
  /** Moment of the round at which `startMs` was said, within 20 ms. */
  readonly saidAtMs: number;
  /** Less than its length where something is silent or overlaid. */
  readonly heardMs: number;
};

/** Where the stairs are climbed in a file, and which moments of the round these are. */
export function findClimbs(samples: Int16Array, rateHz: number): readonly Climb[] {
  const windowLength = (rateHz * WINDOW_MS) / 1000;
  const open: Window[][] = [];
  for (let fromMs = 0; ; fromMs += HOP_MS) {
    const from = (fromMs * rateHz) / 1000;
    if (from + windowLength > samples.length) break;
    const stair = stairAt(samples, rateHz, from, windowLength);
    if (stair === undefined) continue;
    const here = { stair, middleMs: fromMs + WINDOW_MS / 2 };
    const fitting = open.at(-1);
    if (fitting !== undefined && continues(fitting, here)) fitting.push(here);
    else open.push([here]);
  }
  // A window across an edge may show a stair that is on neither side: no climb is that short.
  const climbs = open.filter((windows) => windows.length >= LEAST_WINDOWS);
  const whole: Window[][] = [];
  for (const windows of climbs) {
    const before = whole.at(-1);
    if (before !== undefined && windows.every((one) => continues(before, one))) {
      before.push(...windows);
    } else whole.push(windows);
  }
  return whole.map(climbOf);
}

/** What was said between the two, and is not in the file. */
export function missingMs(before: Climb, after: Climb): number {
  return modulo(after.saidAtMs - before.saidAtMs - (after.startMs - before.startMs), ROUND_MS);
}

/** Median of the steady tone's peak amplitudes: a pause that was cut out turns its phase. */
export function steadyAmplitude(samples: Int16Array, rateHz: number): number {
  const length = (rateHz * STAIR_MS) / 1000;
  const amplitudes: number[] = [];
  for (let from = 0; from + length <= samples.length; from += length) {
    amplitudes.push(toneAmplitude(samples, rateHz, STEADY_HZ, from, length));
  }
  return amplitudes.sort((a, b) => a - b)[amplitudes.length >> 1] ?? 0;
}

function stairAt(
  samples: Int16Array,
  rateHz: number,
  from: number,
  count: number,
): number | undefined {
  let best: number | undefined;
  let loudest = HEARD;
  for (let stair = 0; stair < STAIRS; stair += 1) {
    const amplitude = toneAmplitude(samples, rateHz, frequencyOf(stair), from, count);
    if (amplitude <= loudest) continue;
    loudest = amplitude;
    best = stair;
  }
  return best;
}

type Window = { readonly stair: number; readonly middleMs: number };

function continues(windows: readonly Window[], next: Window): boolean {
  const last = windows.at(-1);
  if (last === undefined) return false;
  const { least, most } = offsets([...windows.slice(-40), next]);
  // What holds for all windows, give or take one that shows the neighbouring stair.
  return least - most <= WINDOW_MS;
}

function climbOf(windows: readonly Window[]): Climb {
  const { least, most } = offsets(windows);
  const startMs = (windows[0]?.middleMs ?? 0) - WINDOW_MS / 2;
  const endMs = (windows.at(-1)?.middleMs ?? 0) + WINDOW_MS / 2;
  const saidAtMs = modulo(startMs + (least + most) / 2, ROUND_MS);
  return { startMs, endMs, saidAtMs, heardMs: windows.length * HOP_MS };
}

/** Bounds of (moment of the round − place in the file), unwrapped around the first window. */
function offsets(windows: readonly Window[]): { readonly least: number; readonly most: number } {
  const [first] = windows;
  if (first === undefined) return { least: 0, most: 0 };
  const base = first.stair * STAIR_MS - first.middleMs;
  let least = -Infinity;
  let most = Infinity;
  for (const { stair, middleMs } of windows) {
    const offset = stair * STAIR_MS - middleMs;
    const unwrapped = base + modulo(offset - base + ROUND_MS / 2, ROUND_MS) - ROUND_MS / 2;
    least = Math.max(least, unwrapped);
    most = Math.min(most, unwrapped + STAIR_MS);
  }
  return { least, most };
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
