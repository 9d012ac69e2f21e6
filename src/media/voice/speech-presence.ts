/** Everything is decided by frames of 20 ms. */
const FRAMES_PER_SECOND = 50;
/** What is quieter is never speech. */
const QUIETEST_DB = -52;
/** The noise is not known yet: less is taken for it. */
const QUIETEST_AT_FIRST_DB = -36;
const ABOVE_NOISE_DB = 8;
/** What is louder from the beginning is not taken for noise before it has gone on for some seconds. */
const LOUDEST_NOISE_AT_FIRST_DB = -40;
/** Half a second: in it even a talker draws breath, so its quietest frame is noise. */
const NOISE_FRAMES = 25;
/** How much the noise may rise in that time, lest a long vowel becomes the noise. */
const NOISE_RISE_DB = 2;
/** So many of six in a row begin speech: a click does not. */
const ONSET_FRAMES = 4;
const ONSET_WINDOW = 0b111111;
/** So many in a row end it: what is shorter is a stop within a word. */
const HANGOVER_FRAMES = 15;
/** A frame whose last word was sound, as far as its end tells. */
const BREAK_FRAMES = 3;
const FULL_SCALE = 32_768;
/** Added to energies, so that digital silence has a logarithm. */
const LEAST_ENERGY = 1e-12;

/**
 * Whether somebody speaks just now: whatever rises above the noise of its line for more than a moment.
 * Decides within 100 ms that speech began and 300 ms after it that it ended, and says when that was.
 * Unlike `VoiceActivity` it hears single words, and takes whatever is loud for one.
 */
export class SpeechPresence {
  isSpeaking = false;
  /** The speech ended because nothing more came, and not in a silence that was heard. */
  hasBrokenOff = false;
  readonly #frameSamples: number;
  #filled = 0;
  #energy = 0;
  /** The last frames, the youngest in the lowest bit. */
  #recent = 0;
  #inactive = 0;
  #heardInactive = 0;
  #noiseDb = NaN;
  #quietestDb = Infinity;
  #noiseFrames = 0;
  #change = 0;

  constructor(sampleRateHz: number) {
    this.#frameSamples = sampleRateHz / FRAMES_PER_SECOND;
  }

  /** Frames before the end of what was heard at which the latest change of `isSpeaking` was. */
  get changedFramesAgo(): number {
    return this.#change;
  }

  /** The first `count` samples of `samples`, in order. True if `isSpeaking` changed (once at most). */
  process(samples: Int16Array, count: number): boolean {
    let changed = false;
    for (let at = 0; at < count; at += 1) {
      const value = (samples[at] as number) / FULL_SCALE; // inside, by the contract
      this.#energy += value * value;
      this.#filled += 1;
      if (this.#filled === this.#frameSamples) changed = this.#take() || changed;
    }
    return changed;
  }

  /** So many frames of which nothing came. */
  missed(frames: number): boolean {
    let changed = false;
    this.#filled = 0;
    this.#energy = 0;
    const told = Math.min(frames, HANGOVER_FRAMES);
    for (let frame = 0; frame < told; frame += 1) changed = this.#note(false) || changed;
    this.#change += frames - told;
    return changed;
  }

  #take(): boolean {
    const levelDb = 10 * Math.log10(LEAST_ENERGY + this.#energy / this.#frameSamples);
    this.#filled = 0;
    this.#energy = 0;
    const isKnown = !Number.isNaN(this.#noiseDb);
    const leastDb = isKnown
      ? Math.max(QUIETEST_DB, this.#noiseDb + ABOVE_NOISE_DB)
      : QUIETEST_AT_FIRST_DB;
    this.#followNoise(levelDb, isKnown);
    const isActive = levelDb > leastDb;
    this.#heardInactive = isActive ? 0 : this.#heardInactive + 1;
    if (this.hasBrokenOff && isActive) this.hasBrokenOff = false;
    return this.#note(isActive);
  }

  #followNoise(levelDb: number, isKnown: boolean): void {
    if (levelDb < this.#quietestDb) this.#quietestDb = levelDb;
    this.#noiseFrames += 1;
    if (this.#noiseFrames < NOISE_FRAMES) return;
    const highestDb = isKnown ? this.#noiseDb + NOISE_RISE_DB : LOUDEST_NOISE_AT_FIRST_DB;
    this.#noiseDb = Math.min(this.#quietestDb, highestDb);
    this.#quietestDb = Infinity;
    this.#noiseFrames = 0;
  }

  #note(isActive: boolean): boolean {
    this.#recent = ((this.#recent << 1) | (isActive ? 1 : 0)) & ONSET_WINDOW;
    this.#inactive = isActive ? 0 : this.#inactive + 1;
    this.#change += 1;
    if (this.isSpeaking) {
      if (this.#inactive < HANGOVER_FRAMES) return false;
      this.isSpeaking = false;
      this.#recent = 0;
      this.#change = this.#inactive;
      this.hasBrokenOff = this.#heardInactive < BREAK_FRAMES;
      return true;
    }
    if (bitsOf(this.#recent) < ONSET_FRAMES) return false;
    this.isSpeaking = true;
    this.hasBrokenOff = false;
    this.#change = 32 - Math.clz32(this.#recent);
    return true;
  }
}

function bitsOf(six: number): number {
  let bits = 0;
  for (let left = six; left !== 0; left &= left - 1) bits += 1;
  return bits;
}
