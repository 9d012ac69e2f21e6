import type { PlayedClip } from '../core/ports/call-media.ts';
import type { FrameGiver } from './mix/played-voice.ts';

/** Gives out clips one after the other, without a gap. */
export class ClipPlayer implements FrameGiver {
  /** Everything has been given out. */
  isDone: boolean;
  readonly #clips: readonly PlayedClip[];
  readonly #isLooped: boolean;
  #clip = 0;
  #at = 0;

  constructor(clips: readonly PlayedClip[], isLooped: boolean) {
    this.#clips = clips.filter((clip) => clip.length > 0);
    this.#isLooped = isLooped;
    this.isDone = this.#clips.length === 0;
  }

  next(into: Int16Array): boolean {
    if (this.isDone) return false;
    let written = 0;
    for (;;) {
      const clip = this.#clips[this.#clip];
      if (clip === undefined) break;
      const count = Math.min(into.length - written, clip.length - this.#at);
      for (let at = 0; at < count; at += 1) into[written + at] = clip[this.#at + at] as number;
      written += count;
      this.#at += count;
      if (this.#at < clip.length) break;
      this.#at = 0;
      this.#clip += 1;
      if (this.#isLooped) this.#clip %= this.#clips.length;
      if (written === into.length) break;
    }
    into.fill(0, written);
    this.isDone = this.#clip === this.#clips.length;
    return true;
  }
}
