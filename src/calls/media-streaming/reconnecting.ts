const DELAYS_MS = [500, 1_000, 2_000] as const;

/** A connection that lasted so long was a good one: the next loss has all its attempts again. */
export const STEADY_MS = 30_000;

/** How long to wait before a lost socket is opened again; `undefined`: not any more. */
export function reconnectDelayMs(attempts: number): number | undefined {
  return DELAYS_MS[attempts];
}
