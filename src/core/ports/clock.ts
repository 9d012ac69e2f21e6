/** A pending timer; `cancel` is idempotent. */
export type Timer = { cancel(): void };

/** Time, as a port: tests and the simulator replace it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970; may jump. For time stamps that people see. */
  nowMs(): number;
  /** Monotonic microseconds since an arbitrary moment; the same in every thread of the process. */
  monotonicUs(): number;
  /** Calls `fire` once after at least `delayMs`. Timers do not keep the process alive. */
  setTimer(delayMs: number, fire: () => void): Timer;
}
