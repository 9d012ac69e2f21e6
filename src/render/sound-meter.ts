/** Twenty milliseconds at 8 kHz. */
const FRAME_SAMPLES = 160;
/** Above comfort noise and hum: −40 dB of full scale, in units of a 16-bit sample, squared. */
const LOUD_POWER: number = (32_768 * 0.01) ** 2;
/** A short "yes". */
const FRAMES = 10;

/** Notices whether a participant is heard at all, be it speech or not: 0.2 s that is no mere noise. */
export class SoundMeter {
  #samples = 0;
  #inFrame = 0;
  #energy = 0;
  #loudFrames = 0;
  #firstAt = 0;

  /** Samples of one participant at 8 kHz, in order, cut in any way. */
  process(samples: Int32Array, from: number, to: number): void {
    if (this.#loudFrames >= FRAMES) return;
    for (let at = from; at < to; at += 1) {
      const sample = samples[at] as number; // inside, by the contract
      this.#energy += sample * sample;
      this.#inFrame += 1;
      if (this.#inFrame === FRAME_SAMPLES) this.#closeFrame();
    }
  }

  /** Samples that were taken before the first loud one; `undefined` while too little was heard. */
  get firstSoundAt(): number | undefined {
    return this.#loudFrames >= FRAMES ? this.#firstAt : undefined;
  }

  #closeFrame(): void {
    if (this.#energy > LOUD_POWER * FRAME_SAMPLES) {
      if (this.#loudFrames === 0) this.#firstAt = this.#samples;
      this.#loudFrames += 1;
    }
    this.#samples += FRAME_SAMPLES;
    this.#inFrame = 0;
    this.#energy = 0;
  }
}
