import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';

export const DEFAULT_LINK_LIFETIME_SECONDS = 3_600;
export const MAX_LINK_LIFETIME_SECONDS: number = 7 * 86_400;

/** Makes and checks links that read one path until a time, for whoever has no access key. */
export class SignedLinks {
  readonly #key: KeyObject;
  readonly #clock: Clock;

  constructor(key: Uint8Array, clock: Clock) {
    this.#key = createSecretKey(key);
    this.#clock = clock;
  }

  /**
   * `path` with `?se=<expiry, seconds since 1970>&sig=<signature>`.
   * @param lifetimeSeconds as it is: whoever takes it from outside holds it to the limits above.
   */
  sign(path: string, lifetimeSeconds: number): string {
    const expiry = String(Math.floor(this.#clock.nowMs() / 1000) + lifetimeSeconds);
    return `${path}?se=${expiry}&sig=${this.#signature(path, expiry).toString('base64url')}`;
  }

  /** Whether the query opens the path now; `expired` only for a link that once did. */
  check(
    path: string,
    query: { readonly se: string; readonly sig: string },
  ): 'valid' | 'expired' | 'invalid' {
    const expected = this.#signature(path, query.se);
    const given = Buffer.from(query.sig, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'invalid';
    return Number(query.se) * 1000 > this.#clock.nowMs() ? 'valid' : 'expired';
  }

  #signature(path: string, expiry: string): Buffer {
    return createHmac('sha256', this.#key).update(`GET\n${path}\n${expiry}`).digest();
  }
}
