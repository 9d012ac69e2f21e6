/** Telephony: what G.711 and its timestamps count in. */
export const RATE_HZ = 8000;
export const FRAME_MS = 20;
export const FRAME_SAMPLES = 160;

export function samplesOf(durationMs: number): number {
  return Math.round((durationMs * RATE_HZ) / 1000);
}
