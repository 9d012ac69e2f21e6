import { PitchMeter } from './pitch-meter.ts';
import { MEASURED_FRAMES, SoundHistory } from './sound-history.ts';
import { speechScore } from './speech-measures.ts';
import { VOICE_FRAME_SAMPLES } from './voice-frame.ts';

const FULL_SCALE = 1 / 32_768;
/** dB below full scale; what is quieter is taken for this, and never for speech. */
const QUIETEST_DB = -66;
/** Added to energies, so that digital silence has a logarithm. */
const LEAST_ENERGY = 1e-12;
/** Half a second: in it even a talker draws breath, so its quietest frame is noise. */
const FLOOR_FRAMES = 25;
/** How much the noise may rise in that time, lest long vowels and music become the noise. */
const FLOOR_RISE_DB = 2;
const FLOOR_AT_FIRST_DB = -70;
const ABOVE_FLOOR_DB = 3;
/** After so many frames without a sound, what was before is of no use to the next one's pitch. */
const FORGOTTEN_FRAMES = 10;
/** A frame that differs by less from the one that was measured last is the same sound still … */
const SAME_DB = 0.3;
const SAME_COLOUR = 0.005;
/** … and from so many on, all that pitch is measured over is. */
const STEADY_FRAMES = 3;
/** Decisions are made ten times a second, from half a second of sound on. */
const DECISION_FRAMES = 5;
const FEWEST_FRAMES = MEASURED_FRAMES / 2;
const FEWEST_ACTIVE_FRAMES = 10;
/** The score that so many decisions in a row must reach: far above what music or tones ever did. */
const SPEECH_SCORE = 3.5;
const DECISIONS = 3;

/**
 * Recognises the first speech of one participant: who speaks first gets the next channel of a
 * recording. Noise, hum, tones and instruments are not speech, however long and loud; singing is.
 * What it does not hear is frames of 20 ms from the first sample on, whatever calls they come in.
 */
export class VoiceActivity {
  readonly #frame = new Float32Array(VOICE_FRAME_SAMPLES);
  readonly #pitch = new PitchMeter();
  readonly #history = new SoundHistory(QUIETEST_DB);
  #filled = 0;
  #lastSample = 0;
  #floorDb = FLOOR_AT_FIRST_DB;
  #quietestDb = Infinity;
  #inactiveFrames = 0;
  #steadyFrames = 0;
  #measuredDb = 0;
  #measuredColour = 0;
  #likely = 0;
  #firstSpeechAt: number | undefined;

  /**
   * Samples before the first speech began, counted from the first one processed, to about 0.1 s; `undefined` until
   * speech is recognised, about a second after it began.
   */
  get firstSpeechAt(): number | undefined {
    return this.#firstSpeechAt;
  }

  /** Takes the samples (16 bits at 8 kHz) from `from` up to `to` (excluded), in order. */
  process(samples: Int32Array, from: number, to: number): void {
    const frame = this.#frame;
    let next = from;
    while (next < to && this.#firstSpeechAt === undefined) {
      const count = Math.min(to - next, VOICE_FRAME_SAMPLES - this.#filled);
      const filled = this.#filled;
      for (let at = 0; at < count; at += 1) {
        frame[filled + at] = (samples[next + at] as number) * FULL_SCALE; // inside, by the contract
      }
      next += count;
      this.#filled += count;
      if (this.#filled < VOICE_FRAME_SAMPLES) return;
      this.#filled = 0;
      this.#takeFrame();
    }
  }

  #takeFrame(): void {
    const frame = this.#frame;
    let energy = LEAST_ENERGY;
    let neighbours = 0;
    let last = this.#lastSample;
    for (let at = 0; at < VOICE_FRAME_SAMPLES; at += 1) {
      const value = frame[at] as number;
      energy += value * value;
      neighbours += value * last;
      last = value;
    }
    this.#lastSample = last;
    const levelDb = 10 * Math.log10(energy / VOICE_FRAME_SAMPLES);
    const isActive = levelDb > QUIETEST_DB && levelDb > this.#floorDb + ABOVE_FLOOR_DB;
    this.#followFloor(levelDb);
    const level = Math.max(QUIETEST_DB, levelDb);
    // Correlation of neighbouring samples: near 1 for low sounds, below 0 for hisses.
    const colour = neighbours / energy;
    this.#measurePitch(level, colour, isActive);
    this.#history.note(level, colour, this.#pitch.strength, this.#pitch.logHz, isActive);
    if (this.#history.frames % DECISION_FRAMES === 0) this.#decide();
  }

  /** Where nothing changes, as in a tone, the pitch has not changed either: it is not measured again. */
  #measurePitch(levelDb: number, colour: number, isActive: boolean): void {
    const pitch = this.#pitch;
    this.#inactiveFrames = isActive ? 0 : this.#inactiveFrames + 1;
    if (this.#inactiveFrames < FORGOTTEN_FRAMES) pitch.take(this.#frame);
    if (this.#inactiveFrames === FORGOTTEN_FRAMES) pitch.forget();
    const isSame =
      Math.abs(levelDb - this.#measuredDb) < SAME_DB &&
      Math.abs(colour - this.#measuredColour) < SAME_COLOUR;
    this.#steadyFrames = isActive && isSame ? this.#steadyFrames + 1 : 0;
    if (!isActive || this.#steadyFrames >= STEADY_FRAMES) return;
    pitch.measure();
    this.#measuredDb = levelDb;
    this.#measuredColour = colour;
  }

  #followFloor(levelDb: number): void {
    if (levelDb < this.#quietestDb) this.#quietestDb = levelDb;
    const frames = this.#history.frames + 1;
    if (frames % FLOOR_FRAMES !== 0) return;
    const highest = frames === FLOOR_FRAMES ? Infinity : this.#floorDb + FLOOR_RISE_DB;
    this.#floorDb = Math.min(this.#quietestDb, highest);
    this.#quietestDb = Infinity;
  }

  #decide(): void {
    const history = this.#history;
    const isWorthIt =
      history.frames >= FEWEST_FRAMES && history.activeFrames >= FEWEST_ACTIVE_FRAMES;
    const isLikely = isWorthIt && speechScore(history.measure()) >= SPEECH_SCORE;
    this.#likely = isLikely ? this.#likely + 1 : 0;
    if (this.#likely < DECISIONS) return;
    this.#firstSpeechAt = history.beginning() * VOICE_FRAME_SAMPLES;
  }
}
