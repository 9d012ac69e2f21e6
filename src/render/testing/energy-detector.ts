import type { VoiceDetector } from '../voice-detector.ts';

/** Twenty milliseconds at 8 kHz. */
const FRAME_SAMPLES = 160;
/** Mean magnitude of a frame that is taken for speech: −42 dB of full scale. */
const LOUD = 256;
/** Frames in a row. */
const FRAMES = 5;

/** Takes for speech whatever is loud for a tenth of a second, or for `frames` of 20 ms in a row. */
export class EnergyDetector implements VoiceDetector {
  firstSpeechAt: number | undefined;
  #taken = 0;
  #inFrame = 0;
  #magnitude = 0;
  #loudFrames = 0;
  readonly #frames: number;

  constructor(frames: number = FRAMES) {
    this.#frames = frames;
  }

  process(samples: Int32Array, from: number, to: number): void {
    for (let at = from; at < to && this.firstSpeechAt === undefined; at += 1) {
      this.#magnitude += Math.abs(samples[at] ?? 0);
      this.#taken += 1;
      this.#inFrame += 1;
      if (this.#inFrame === FRAME_SAMPLES) this.#closeFrame();
    }
  }

  #closeFrame(): void {
    const isLoud = this.#magnitude > LOUD * FRAME_SAMPLES;
    this.#loudFrames = isLoud ? this.#loudFrames + 1 : 0;
    this.#inFrame = 0;
    this.#magnitude = 0;
    if (this.#loudFrames === this.#frames) {
      this.firstSpeechAt = this.#taken - this.#frames * FRAME_SAMPLES;
    }
  }
}
