/** Numbers of the timeline. It is counted in samples of 8 kHz, also where wider voices are on it. */
export const TIMELINE_RATE_HZ = 8000;

/** A packet that arrives more than this after its place is left to the journal. */
export const LATE_WINDOW_MS = 1000;

/** The earliest arrival of the first second tells where a span stands … */
export const ANCHOR_WINDOW_US = 1_000_000;

/** … or of a longer time, where jitter and loss have left too little of the first second; at most this. */
export const LONGEST_ANCHOR_WINDOW_US = 4_000_000;

/** A span stands within this of its place: 20 ms. */
export const ANCHOR_TOLERANCE_SAMPLES = 160;

/** What is rendered at once. A stream moves by one sample a block at most: 500 ppm. */
export const BLOCK_SAMPLES = 2000;

/** A span of one SSRC keeps its sample distances until its clock is off by this much. */
export const DRIFT_TOLERANCE_SAMPLES = 80;

/** Beyond this jump the sender has restarted its numbering. RFC 3550 App. A.1. */
export const MAX_DROPOUT_PACKETS = 3000;

/** Packets this far back in the numbering are disorder, further ones a restart. RFC 3550 App. A.1. */
export const MAX_MISORDER_PACKETS = 100;

/** Arrival time in samples of the timeline, not rounded. */
export function samplesOf(timeUs: number): number {
  return (timeUs * TIMELINE_RATE_HZ) / 1_000_000;
}
