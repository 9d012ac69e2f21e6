import type { Clock, Timer } from './ports/clock.ts';

type Waiting = { readonly dueUs: number; readonly order: number; readonly fire: () => void };

/** A clock that stands still until it is told to advance: for tests and simulation. */
export class ManualClock implements Clock {
  #wallOffsetMs: number;
  #nowUs = 0;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#nowUs / 1000;
  }

  monotonicUs(): number {
    return this.#nowUs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const waiting: Waiting = { dueUs: this.#nowUs + delayMs * 1000, order: this.#order++, fire };
    this.#waiting.add(waiting);
    return {
      cancel: () => {
        this.#waiting.delete(waiting);
      },
    };
  }

  /** Moves time on, firing timers in the order of their due times, those they set included. */
  advance(byMs: number): void {
    const untilUs = this.#nowUs + byMs * 1000;
    for (let next = this.#next(untilUs); next !== undefined; next = this.#next(untilUs)) {
      this.#waiting.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.dueUs);
      next.fire();
    }
    this.#nowUs = untilUs;
  }

  /** As `advance`, with turns for promises between the steps, so that awaited work goes on. */
  async advanceWithTurns(byMs: number, stepMs = 10): Promise<void> {
    for (let left = byMs; left > 0; left -= stepMs) {
      this.advance(Math.min(stepMs, left));
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  }

  /** Sets the wall clock without moving monotonic time, as an administrator would. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get pendingTimers(): number {
    return this.#waiting.size;
  }

  #next(untilUs: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.dueUs > untilUs) continue;
      if (
        first === undefined ||
        waiting.dueUs < first.dueUs ||
        (waiting.dueUs === first.dueUs && waiting.order < first.order)
      ) {
        first = waiting;
      }
    }
    return first;
  }
}
