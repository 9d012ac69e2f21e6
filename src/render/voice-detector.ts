/** Listens to one participant until it has heard speech. */
export interface VoiceDetector {
  /** Takes `samples[from…to)` of 8 kHz; all of them in order, cut in any way. */
  process(samples: Int32Array, from: number, to: number): void;
  /** Samples from the first one that was taken to where speech began; `undefined` until it has. */
  readonly firstSpeechAt: number | undefined;
}
