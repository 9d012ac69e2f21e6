/** What a delivery that may not start yet should do. */
export type Admission = 'go' | 'wait' | 'later';

export type DestinationLimits = {
  /** Requests under way at once, to all destinations. Default 256. */
  readonly parallel: number;
  /** Requests under way at once to one destination. Default 8. */
  readonly parallelPerDestination: number;
  /** …and to one that answers quickly, be it far away. Default 32. */
  readonly parallelPerQuickDestination: number;
  /** Deliveries that wait in memory for one destination; more go back to the outbox. Default 64. */
  readonly waitingPerDestination: number;
  /** …and for one that answers quickly. Default 256. */
  readonly waitingPerQuickDestination: number;
};

export const DEFAULT_LIMITS: DestinationLimits = {
  parallel: 256,
  parallelPerDestination: 8,
  parallelPerQuickDestination: 32,
  waitingPerDestination: 64,
  waitingPerQuickDestination: 256,
};

const MAX_REMEMBERED = 1_000;
/** Supposed of a destination that has not answered yet. */
const SUPPOSED_ANSWER_MS = 20;
/** Whoever answers within this is quick. */
const QUICK_MS = 1_000;
/** Of the pace of a destination, each answer makes this part. */
const LATEST_SHARE = 1 / 4;
/** What goes back to the outbox comes again after this at the earliest… */
const LEAST_LATER_MS = 20;
/** …and at the latest. */
const MOST_LATER_MS = 5_000;

type Destination<T> = {
  underWay: number;
  silent: boolean;
  readonly waiting: T[];
  /** How long it takes to answer, lately. */
  answerMs: number | undefined;
  /** Until then it has enough to do, by its pace, with all that it was given and that was sent back. */
  bookedUntilMs: number;
};

/**
 * Who may be sent to now. A destination that does not answer holds one request at a time, so that
 * however many of them hang, the others have room.
 */
export class Destinations<T> {
  readonly #limits: DestinationLimits;
  readonly #byKey = new Map<string, Destination<T>>();
  #underWay = 0;

  constructor(limits: DestinationLimits) {
    this.#limits = limits;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** It did not answer the last request. */
  isSilent(key: string): boolean {
    return this.#byKey.get(key)?.silent ?? false;
  }

  /**
   * When something that may not even wait is to come again: when its turn will be, by the pace of the
   * destination and what else was sent back. What waits for a quick one is soon sent, and what waits for a
   * slow one is not taken from the outbox over and over.
   *
   * @param nowMs of any clock that does not jump.
   * @returns milliseconds from now.
   */
  laterMs(key: string, nowMs: number): number {
    const destination = this.#of(key);
    const answerMs = destination.answerMs ?? SUPPOSED_ANSWER_MS;
    const paceMs = answerMs / this.#parallel(destination);
    const freeMs = nowMs + destination.waiting.length * paceMs;
    const turnMs = Math.max(destination.bookedUntilMs, freeMs) + paceMs;
    destination.bookedUntilMs = Math.min(turnMs, nowMs + MOST_LATER_MS);
    return Math.max(LEAST_LATER_MS, destination.bookedUntilMs - nowMs);
  }

  /** `go`: started. `wait`: kept, and handed out by `next`. `later`: too many wait already. */
  admit(key: string, item: T): Admission {
    const destination = this.#of(key);
    if (destination.waiting.length === 0 && this.#mayStart(destination)) {
      this.#start(destination);
      return 'go';
    }
    const { waitingPerDestination, waitingPerQuickDestination } = this.#limits;
    const most = isQuick(destination) ? waitingPerQuickDestination : waitingPerDestination;
    if (destination.waiting.length >= most) return 'later';
    destination.waiting.push(item);
    return 'wait';
  }

  /**
   * What was started ended; `answered`: the destination sent a status; `undefined`: nothing was sent.
   * @param tookMs how long the answer took.
   */
  finished(key: string, answered: boolean | undefined, tookMs: number): void {
    const destination = this.#of(key);
    destination.underWay -= 1;
    this.#underWay -= 1;
    if (answered !== undefined) destination.silent = !answered;
    if (answered === true) {
      const before = destination.answerMs ?? tookMs;
      destination.answerMs = before + (tookMs - before) * LATEST_SHARE;
    }
    this.#forgetIdle(key, destination);
  }

  /** Starts and returns one that waits and now may go, or `undefined`. */
  next(): { readonly key: string; readonly item: T } | undefined {
    for (const [key, destination] of this.#byKey) {
      if (!this.#mayStart(destination)) continue;
      const item = destination.waiting.shift();
      if (item === undefined) continue;
      this.#start(destination);
      return { key, item };
    }
    return undefined;
  }

  /** Takes everything that waits. */
  drain(): readonly T[] {
    const items: T[] = [];
    for (const [key, destination] of this.#byKey) {
      items.push(...destination.waiting.splice(0));
      this.#forgetIdle(key, destination);
    }
    return items;
  }

  #of(key: string): Destination<T> {
    let destination = this.#byKey.get(key);
    if (destination === undefined) {
      destination = {
        underWay: 0,
        silent: false,
        waiting: [],
        answerMs: undefined,
        bookedUntilMs: -Infinity,
      };
      this.#byKey.set(key, destination);
    }
    return destination;
  }

  #mayStart(destination: Destination<T>): boolean {
    if (this.#underWay >= this.#limits.parallel) return false;
    return destination.underWay < this.#parallel(destination);
  }

  #parallel(destination: Destination<T>): number {
    if (destination.silent) return 1;
    const { parallelPerDestination, parallelPerQuickDestination } = this.#limits;
    return isQuick(destination) ? parallelPerQuickDestination : parallelPerDestination;
  }

  #start(destination: Destination<T>): void {
    destination.underWay += 1;
    this.#underWay += 1;
  }

  // Silent ones are remembered, a limited number of them: destinations are named from outside.
  #forgetIdle(key: string, destination: Destination<T>): void {
    if (destination.underWay > 0 || destination.waiting.length > 0) return;
    if (!destination.silent || this.#byKey.size > MAX_REMEMBERED) this.#byKey.delete(key);
  }
}

function isQuick({ silent, answerMs = Infinity }: Destination<unknown>): boolean {
  return !silent && answerMs <= QUICK_MS;
}
