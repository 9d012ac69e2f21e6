import type { Clock, Timer } from '../../core/ports/clock.ts';
import { T1_MS } from './timings.ts';

/**
 * Repeats `send` after T1, then after twice as long each time, never later than `capMs`
 * (timers A, E and G of RFC 3261 §17; the 2xx of §13.3.1.4).
 */
export class Retransmission {
  readonly #clock: Clock;
  readonly #send: () => void;
  readonly #capMs: number;
  #intervalMs = T1_MS;
  #timer: Timer | undefined;

  constructor(clock: Clock, capMs: number, send: () => void) {
    this.#clock = clock;
    this.#capMs = capMs;
    this.#send = send;
    this.#arm();
  }

  /** Goes on at the cap from now on: timer E in the state "proceeding" (RFC 3261 §17.1.2.2). */
  slowDown(): void {
    if (this.#timer === undefined) return;
    this.#intervalMs = this.#capMs;
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => {
      this.#intervalMs = Math.min(this.#intervalMs * 2, this.#capMs);
      this.#arm();
      this.#send();
    });
  }
}
