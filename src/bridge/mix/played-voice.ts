import type { LegId } from '../../core/ids.ts';
import { HalfBandDownsampler } from '../../media/resample/half-band-downsampler.ts';
import type { PlayedSource } from '../played-source.ts';
import { NARROW_SAMPLES, WIDE_SAMPLES } from './frame.ts';

/** Gives out what the server itself says in a call, frame by frame. */
export interface FrameGiver {
  /** Writes the next 20 ms at 16 kHz; false if there is nothing to say now. */
  next(into: Int16Array): boolean;
}

/** One such voice in a mix, for everybody or for some. */
export class PlayedVoice {
  readonly source: PlayedSource;
  /** 20 ms at 16 kHz: what is heard now, if `isActive`. */
  readonly frame: Int16Array<ArrayBuffer> = new Int16Array(WIDE_SAMPLES);
  isActive = false;
  /** `undefined`: everybody but those on hold. */
  readonly toLegs: ReadonlySet<LegId> | undefined;
  readonly #giver: FrameGiver;
  #narrow: { readonly filter: HalfBandDownsampler; readonly frame: Int16Array } | undefined;
  #isNarrowed = false;

  constructor(source: PlayedSource, giver: FrameGiver, toLegs?: ReadonlySet<LegId>) {
    this.source = source;
    this.#giver = giver;
    this.toLegs = toLegs;
  }

  /** Makes the next frame. */
  pull(): void {
    this.#isNarrowed = false;
    this.isActive = this.#giver.next(this.frame);
  }

  /** The frame at 8 kHz, 3 ms later. */
  narrowed(): Int16Array {
    this.#narrow ??= { filter: new HalfBandDownsampler(), frame: new Int16Array(NARROW_SAMPLES) };
    const { filter, frame } = this.#narrow;
    if (!this.#isNarrowed) filter.process(this.frame, WIDE_SAMPLES, frame);
    this.#isNarrowed = true;
    return frame;
  }
}
