import { createHash } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';

const MAX_REMEMBERED = 10_000;

type Use = { readonly digest: string; readonly peer: string; readonly untilMs: number };

/**
 * Which assertions were used, and from where. One may be sent again by the peer that sent it
 * first: MSAL keeps an assertion for ten minutes and proves itself for the next scope with the
 * same one. From anywhere else it is a replay, as is another assertion of the same id.
 */
export class UsedAssertions {
  readonly #clock: Clock;
  /** In the order of their first use. */
  readonly #uses = new Map<string, Use>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Remembers the assertion; `false` if it is a replay. Only for assertions whose signature was
   * checked: what is remembered is bounded, and the oldest is forgotten first.
   *
   * @param id the `jti`, or `undefined` for an assertion without one.
   */
  use(
    applicationId: string,
    id: string | undefined,
    assertion: string,
    from: AssertionUse,
  ): boolean {
    const digest = sha256(assertion);
    // Of one length, whatever clients take for an id.
    const key = sha256(`${applicationId}\n${id ?? digest}`);
    const earlier = this.#uses.get(key);
    if (earlier !== undefined && earlier.untilMs > this.#clock.nowMs()) {
      return earlier.digest === digest && earlier.peer === from.peer;
    }
    this.#uses.delete(key);
    this.#uses.set(key, { digest, ...from });
    this.#forget();
    return true;
  }

  #forget(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, use] of this.#uses) {
      if (use.untilMs > nowMs && this.#uses.size <= MAX_REMEMBERED) break;
      this.#uses.delete(key);
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

export type AssertionUse = {
  /** Address that it came from. */
  readonly peer: string;
  /** When the assertion is good no more. */
  readonly untilMs: number;
};
