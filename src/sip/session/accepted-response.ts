import type { Clock, Timer } from '../../core/ports/clock.ts';
import { Retransmission } from '../transaction/retransmission.ts';
import { T2_MS, TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';

export type AcceptedResponseOptions = {
  readonly clock: Clock;
  /** Number of the INVITE, which its ACK repeats. */
  readonly cseqNumber: number;
  readonly send: () => void;
  readonly onAck: (body: Uint8Array) => void;
  /** No ACK in 64 T1: the dialog is to be ended (RFC 3261 §13.3.1.4). */
  readonly onNoAck: () => void;
};

/** A 2xx to an INVITE on its way: repeated, on every transport, until its ACK comes. */
export class AcceptedResponse {
  readonly #options: AcceptedResponseOptions;
  readonly #retransmission: Retransmission;
  readonly #timeout: Timer;
  #settled = false;
  readonly #waiting: (() => void)[] = [];

  /** Sends for the first time. */
  constructor(options: AcceptedResponseOptions) {
    this.#options = options;
    options.send();
    this.#retransmission = new Retransmission(options.clock, T2_MS, options.send);
    this.#timeout = options.clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
      if (this.#settle()) options.onNoAck();
    });
  }

  get isAcknowledged(): boolean {
    return this.#settled;
  }

  /** Repeated ACKs are ignored. */
  receiveAck(cseqNumber: number, body: Uint8Array): void {
    if (cseqNumber === this.#options.cseqNumber && this.#settle()) this.#options.onAck(body);
  }

  /** Resolves when the ACK came, or will not come any more. */
  settled(): Promise<void> {
    if (this.#settled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Nobody waits for the ACK any more. Idempotent. */
  stop(): void {
    this.#settle();
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#retransmission.stop();
    this.#timeout.cancel();
    for (const resolve of this.#waiting) resolve();
    return true;
  }
}
