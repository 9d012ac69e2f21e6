import type { ChunkLimits, RenderedChunk } from '../core/ports/render.ts';
import type { ChannelMap } from './channel-map.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import { TIMELINE_RATE_HZ } from './timeline/constants.ts';

/** Less than this is no chunk, whatever the limits say: one second. */
const SHORTEST_SAMPLES = TIMELINE_RATE_HZ;

/**
 * How long chunks become, and whose channels they have. Both hang together: with more channels a
 * chunk of a limited size is shorter. A number of decisions of the channel map stands for a layout.
 */
export class ChunkPlanner {
  readonly #limits: ChunkLimits;
  readonly #encoding: FileEncoding;
  readonly #map: ChannelMap | undefined;

  /** @param map `undefined` for a mixed recording. */
  constructor(limits: ChunkLimits, encoding: FileEncoding, map: ChannelMap | undefined) {
    this.#limits = limits;
    this.#encoding = encoding;
    this.#map = map;
  }

  channels(decided: number): number {
    return this.#map?.channels(decided) ?? 1;
  }

  /** Longest chunk, in samples of the file at 8 kHz. */
  samples(decided: number): number {
    return Math.max(SHORTEST_SAMPLES, Math.min(this.#byDuration(), this.#bySize(decided)));
  }

  /** Why a chunk ends that is followed by another one. */
  limit(decided: number): Exclude<RenderedChunk['ending'], 'session-ended'> {
    return this.#bySize(decided) < this.#byDuration() ? 'size-limit' : 'duration-limit';
  }

  /**
   * Decisions that a chunk follows, by what is known: those that come into force before its end.
   * @param start of the chunk, samples of the file at 8 kHz.
   * @param atLeast those of the chunk before, or of this one by what was known earlier.
   */
  decidedFor(start: number, atLeast: number): number {
    if (this.#map === undefined) return 0;
    let decided = Math.max(atLeast, this.#map.decidedAt(start));
    for (;;) {
      const next = this.#map.decisions[decided];
      if (next === undefined || next.since >= start + this.samples(decided)) return decided;
      decided += 1;
    }
  }

  #byDuration(): number {
    return Math.floor((this.#limits.durationMs * TIMELINE_RATE_HZ) / 1000);
  }

  #bySize(decided: number): number {
    const frames = this.#encoding.framesWithin(this.#limits.sizeBytes, this.channels(decided));
    // Two frames of the file are one sample here.
    return Math.floor(frames / 2);
  }
}
