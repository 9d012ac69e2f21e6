import type { SpeechMeasures } from './speech-measures.ts';

/** Frames of 20 ms that are kept: two seconds, the last of which is measured. */
export const KEPT_FRAMES = 100;
export const MEASURED_FRAMES = 50;
/** Normalised autocorrelation from which a frame is a voice's, or a note's. */
const VOICED = 0.6;
/** Pitch is compared over 60 ms. */
const GLIDE_FRAMES = 3;
/** Differences of natural logarithms: half a per cent, and a quarter of a semitone. */
const STILL = 0.005;
const GLIDE = 0.014;
/** More than a voice moves within 20 ms: another note, or the pitch was mistaken. */
const JUMP = 0.07;
/** A larger step of the level counts as this. */
const MOST_STEP_DB = 12;
/** So many frames are no speech when it is recognised; the loudest of them is as loud as pauses are. */
const QUIET_PART = 0.25;
/** How far above that speech is: at least, and as a part of the whole range. */
const ABOVE_QUIET_DB = 6;
const ABOVE_QUIET_PART = 0.4;
/** A longer pause divides what began before from what is speech now. */
const LONGEST_PAUSE_FRAMES = 30;

/** The frames of the last seconds, as little of each as decisions need. */
export class SoundHistory {
  /** Frames so far. */
  frames = 0;
  /** Of the frames that are measured, those above the noise. */
  activeFrames = 0;

  readonly #levelDb: Float32Array;
  readonly #colour = new Float32Array(KEPT_FRAMES);
  readonly #strength = new Float32Array(KEPT_FRAMES);
  readonly #logHz = new Float32Array(KEPT_FRAMES);
  readonly #active = new Uint8Array(KEPT_FRAMES);
  readonly #measures: SpeechMeasures = {
    active: 0,
    levelSpread: 0,
    levelRange: 0,
    levelStep: 0,
    colourSpread: 0,
    voiced: 0,
    runs: 0,
    pitchStep: 0,
    still: 0,
    gliding: 0,
  };

  /** @param quietestDb the level of what was before the first frame. */
  constructor(quietestDb: number) {
    this.#levelDb = new Float32Array(KEPT_FRAMES).fill(quietestDb);
  }

  note(levelDb: number, colour: number, strength: number, logHz: number, isActive: boolean): void {
    const at = this.frames % KEPT_FRAMES;
    const leaving = (at + KEPT_FRAMES - MEASURED_FRAMES) % KEPT_FRAMES;
    this.activeFrames += (isActive ? 1 : 0) - (this.#active[leaving] as number);
    this.#levelDb[at] = levelDb;
    this.#colour[at] = colour;
    this.#strength[at] = strength;
    this.#logHz[at] = logHz;
    this.#active[at] = isActive ? 1 : 0;
    this.frames += 1;
  }

  /** Of the last second; the same object each time. */
  measure(): Readonly<SpeechMeasures> {
    this.#measureLevels();
    this.#measurePitch();
    return this.#measures;
  }

  /** Frame (from 0) with which the sound began that is heard now, as far back as frames are kept. */
  beginning(): number {
    const kept = Math.min(this.frames, KEPT_FRAMES);
    const levels = this.#levelDb.slice(0, kept).sort();
    const quiet = levels[Math.floor(kept * QUIET_PART)] ?? 0;
    const loudest = levels[kept - 1] ?? 0;
    const threshold = quiet + Math.max(ABOVE_QUIET_DB, ABOVE_QUIET_PART * (loudest - quiet));
    let first = this.frames - 1;
    for (let back = 1; back <= kept; back += 1) {
      const frame = this.frames - back;
      if (first - frame > LONGEST_PAUSE_FRAMES) break;
      if ((this.#levelDb[frame % KEPT_FRAMES] as number) > threshold) first = frame;
    }
    return first;
  }

  #measureLevels(): void {
    let sum = 0;
    let squares = 0;
    let loudest = -Infinity;
    let quietest = Infinity;
    let path = 0;
    let last = 0;
    for (let index = 0; index < MEASURED_FRAMES; index += 1) {
      const level = this.#levelDb[this.#place(index)] as number;
      if (index > 0) path += Math.min(MOST_STEP_DB, Math.abs(level - last));
      last = level;
      sum += level;
      squares += level * level;
      if (level > loudest) loudest = level;
      if (level < quietest) quietest = level;
    }
    const measures = this.#measures;
    measures.levelSpread = spread(sum, squares, MEASURED_FRAMES);
    measures.levelRange = loudest - quietest;
    measures.levelStep = path / MEASURED_FRAMES;
  }

  #measurePitch(): void {
    let active = 0;
    let colourSum = 0;
    let colourSquares = 0;
    let voiced = 0;
    let runs = 0;
    let path = 0;
    let steps = 0;
    let still = 0;
    let gliding = 0;
    let inRun = 0;
    let lastLogHz = 0;
    for (let index = 0; index < MEASURED_FRAMES; index += 1) {
      const at = this.#place(index);
      const isActive = this.#active[at] === 1;
      if (isActive) {
        const colour = this.#colour[at] as number;
        active += 1;
        colourSum += colour;
        colourSquares += colour * colour;
      }
      if (!isActive || (this.#strength[at] as number) < VOICED) {
        inRun = 0;
        continue;
      }
      const logHz = this.#logHz[at] as number;
      const step = Math.abs(logHz - lastLogHz);
      lastLogHz = logHz;
      voiced += 1;
      inRun += 1;
      if (inRun === 1) {
        runs += 1;
      } else if (step > JUMP) {
        inRun = 1;
      } else {
        path += step;
        steps += 1;
      }
      if (inRun <= GLIDE_FRAMES) continue;
      const moved = Math.abs(logHz - (this.#logHz[this.#place(index - GLIDE_FRAMES)] as number));
      if (moved < STILL) still += 1;
      if (moved > GLIDE) gliding += 1;
    }
    const measures = this.#measures;
    measures.active = active / MEASURED_FRAMES;
    measures.colourSpread = spread(colourSum, colourSquares, active);
    measures.voiced = voiced / MEASURED_FRAMES;
    measures.runs = runs / MEASURED_FRAMES;
    measures.pitchStep = steps === 0 ? 0 : path / steps;
    measures.still = still / MEASURED_FRAMES;
    measures.gliding = gliding / MEASURED_FRAMES;
  }

  /** Where the measured frame `index` is kept; those before the first frame are silent. */
  #place(index: number): number {
    return (this.frames + KEPT_FRAMES - MEASURED_FRAMES + index) % KEPT_FRAMES;
  }
}

/** Standard deviation. */
function spread(sum: number, squares: number, count: number): number {
  return count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}
