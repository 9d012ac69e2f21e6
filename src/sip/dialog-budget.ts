import type { Clock } from '../core/ports/clock.ts';
import type { DialogUser } from './session/sip-context.ts';
import { TokenBucket } from './token-bucket.ts';

/** Keys by INFO, refreshes, transfers: no phone comes near. */
const REQUESTS_PER_SECOND = 20;
const REQUEST_BURST = 100;
/** Whoever has used up the rest may still hang up. */
const GOODBYES_PER_SECOND = 0.5;
const GOODBYE_BURST = 5;

type Buckets = { readonly requests: TokenBucket; readonly goodbyes: TokenBucket };

/**
 * How much may be asked in one dialog. Each request is remembered for half a minute: without a bound a
 * single call would fill the room of all others.
 */
export class DialogBudget {
  readonly #clock: Clock;
  readonly #buckets = new WeakMap<DialogUser, Buckets>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more new request is served. */
  admits(dialog: DialogUser, method: string): boolean {
    let buckets = this.#buckets.get(dialog);
    if (buckets === undefined) {
      buckets = {
        requests: new TokenBucket(REQUESTS_PER_SECOND, REQUEST_BURST),
        goodbyes: new TokenBucket(GOODBYES_PER_SECOND, GOODBYE_BURST),
      };
      this.#buckets.set(dialog, buckets);
    }
    const bucket = method === 'BYE' ? buckets.goodbyes : buckets.requests;
    return bucket.take(this.#clock.monotonicUs());
  }
}
