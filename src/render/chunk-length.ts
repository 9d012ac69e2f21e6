import type { ChunkLimits, RenderedChunk } from '../core/ports/render.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import { TIMELINE_RATE_HZ } from './timeline/constants.ts';

/** Less than this is no chunk, whatever the limits say: one second. */
const SHORTEST_SAMPLES = TIMELINE_RATE_HZ;

export type ChunkLength = {
  /** At 8 kHz. */
  readonly samples: number;
  /** Which limit it is. */
  readonly ending: Exclude<RenderedChunk['ending'], 'session-ended'>;
};

/** How long a chunk of so many channels becomes at most. */
export function chunkLengthOf(
  limits: ChunkLimits,
  encoding: FileEncoding,
  channels: number,
): ChunkLength {
  const byDuration = Math.floor((limits.durationMs * TIMELINE_RATE_HZ) / 1000);
  // Two frames of the file are one sample here.
  const bySize = Math.floor(encoding.framesWithin(limits.sizeBytes, channels) / 2);
  const samples = Math.max(SHORTEST_SAMPLES, Math.min(byDuration, bySize));
  return { samples, ending: bySize < byDuration ? 'size-limit' : 'duration-limit' };
}
