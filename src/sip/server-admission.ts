import type { Clock } from '../core/ports/clock.ts';
import { TokenBucket } from './token-bucket.ts';

export type AdmissionLimits = {
  /** New requests outside dialogs, a second; one address may send half of them. Default 400. */
  readonly requestsPerSecond: number;
  /** How many may come at once after a quiet time, half from one address. Default 800. */
  readonly requestBurst: number;
  /** Dialogs at once, ringing and up; above it every new request is refused. Default 4,000. */
  readonly maxSessions: number;
  /** INVITEs at once from one address that nobody has answered; more are refused. Default 1,000. */
  readonly maxUnansweredPerAddress: number;
};

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  requestsPerSecond: 400,
  requestBurst: 800,
  maxSessions: 4_000,
  maxUnansweredPerAddress: 1_000,
};

/** What is alive when a request comes. */
export type AdmissionLoad = {
  readonly dialogs: number;
  /** INVITEs from its address that have no final answer; 0 if it is none itself. */
  readonly unanswered: number;
};

/** Addresses that are remembered; the one that was quiet longest is forgotten first. */
const MAX_ADDRESSES = 4_096;

/** Decides which new requests are served at all, so that a flood costs little and starves nobody. */
export class Admission {
  readonly #clock: Clock;
  readonly #limits: AdmissionLimits;
  readonly #all: TokenBucket;
  readonly #byAddress = new Map<string, TokenBucket>();

  constructor(clock: Clock, limits: AdmissionLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#all = new TokenBucket(limits.requestsPerSecond, limits.requestBurst);
  }

  /** Whether a new request from this address may be served now. */
  admits(address: string, load: AdmissionLoad): boolean {
    const { maxSessions, maxUnansweredPerAddress } = this.#limits;
    if (load.dialogs >= maxSessions || load.unanswered >= maxUnansweredPerAddress) return false;
    const nowUs = this.#clock.monotonicUs();
    // The address is asked first: what it may not send does not use up what others may.
    return this.#bucketOf(address).take(nowUs) && this.#all.take(nowUs);
  }

  #bucketOf(address: string): TokenBucket {
    const { requestsPerSecond, requestBurst } = this.#limits;
    const bucket =
      this.#byAddress.get(address) ?? new TokenBucket(requestsPerSecond / 2, requestBurst / 2);
    this.#byAddress.delete(address);
    this.#byAddress.set(address, bucket);
    if (this.#byAddress.size > MAX_ADDRESSES) {
      const [oldest] = this.#byAddress.keys();
      if (oldest !== undefined) this.#byAddress.delete(oldest);
    }
    return bucket;
  }
}
