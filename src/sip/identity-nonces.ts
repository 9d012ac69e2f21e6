import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';

/** How long an answer to a challenge is good for. */
export const NONCE_LIFETIME_MS = 300_000;
/** Nonces whose use is remembered. */
const MAX_USED_NONCES = 20_000;
const SALT_BYTES = 8;
const KEY_BYTES = 32;

export type NonceState =
  | 'fresh'
  /** Ours once, but too old or used in this way already: to be asked again. */
  | 'stale'
  | 'foreign';

/**
 * Nonces of digest challenges. Issuing one costs no memory: it carries its time and our signature.
 * What is remembered is how often a nonce was used, so that no answer is accepted twice
 * (RFC 7616 §3.4, nonce count).
 */
export class Nonces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: Uint8Array;
  /** Highest count seen, oldest nonce first. */
  readonly #used = new Map<string, number>();
  /** Nonces issued before this may have been used and forgotten. */
  #forgottenBeforeMs = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#key = random.bytes(KEY_BYTES);
  }

  issue(): string {
    const body = `${this.#nowMs().toString(36)}-${this.#random.hex(SALT_BYTES)}`;
    return `${body}-${this.#sign(body)}`;
  }

  stateOf(nonce: string, nonceCount: number): NonceState {
    const issuedMs = this.#issuedMs(nonce);
    if (issuedMs === undefined) return 'foreign';
    const isOld = this.#nowMs() - issuedMs > NONCE_LIFETIME_MS;
    if (isOld || issuedMs < this.#forgottenBeforeMs) return 'stale';
    return nonceCount > (this.#used.get(nonce) ?? 0) ? 'fresh' : 'stale';
  }

  /** Takes note of a use that was accepted. */
  use(nonce: string, nonceCount: number): void {
    this.#used.delete(nonce);
    this.#used.set(nonce, nonceCount);
    for (const [oldest] of this.#used) {
      const issuedMs = this.#issuedMs(oldest) ?? 0;
      const isOld = this.#nowMs() - issuedMs > NONCE_LIFETIME_MS;
      if (!isOld && this.#used.size <= MAX_USED_NONCES) return;
      if (!isOld) this.#forgottenBeforeMs = Math.max(this.#forgottenBeforeMs, issuedMs + 1);
      this.#used.delete(oldest);
    }
  }

  #issuedMs(nonce: string): number | undefined {
    const cut = nonce.lastIndexOf('-');
    const body = nonce.slice(0, Math.max(cut, 0));
    const signature = Buffer.from(nonce.slice(cut + 1));
    const expected = Buffer.from(this.#sign(body));
    if (signature.byteLength !== expected.byteLength) return undefined;
    if (!timingSafeEqual(signature, expected)) return undefined;
    return Number.parseInt(body, 36);
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('hex').slice(0, 24);
  }

  /** Monotonic: a step of the wall clock makes no nonce older. */
  #nowMs(): number {
    return Math.floor(this.#clock.monotonicUs() / 1000);
  }
}
