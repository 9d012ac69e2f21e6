import type { Clock, Timer } from '../core/ports/clock.ts';

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // Nanoseconds since boot pass 2^53 after 104 days, microseconds after 285 years.
  monotonicUs: () => Number(process.hrtime.bigint() / 1000n),
  setTimer(delayMs: number, fire: () => void): Timer {
    const handle = setTimeout(fire, delayMs);
    handle.unref();
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};
