import type { Clock, Timer } from '../../core/ports/clock.ts';
import { Retransmission } from './retransmission.ts';
import { T2_MS, T4_MS, TRANSACTION_TIMEOUT_MS, TRYING_AFTER_MS } from './timings.ts';

export type InviteServerState =
  'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';

export type InviteServerOptions = {
  readonly clock: Clock;
  readonly reliable: boolean;
  /** Puts a serialised response on the wire. */
  readonly send: (bytes: Uint8Array) => void;
  /** The 100 that goes out by itself. */
  readonly trying: Uint8Array;
  /** Called once, in the state "terminated". */
  readonly onTerminated: () => void;
};

/** RFC 3261 §17.2.1 with the state "accepted" of RFC 6026 §7.1. */
export class InviteServerTransaction {
  readonly #options: InviteServerOptions;
  #state: InviteServerState = 'proceeding';
  #last: Uint8Array | undefined;
  #tryingTimer: Timer | undefined;
  #retransmission: Retransmission | undefined;
  #timer: Timer | undefined;

  constructor(options: InviteServerOptions) {
    this.#options = options;
    this.#tryingTimer = options.clock.setTimer(TRYING_AFTER_MS, () => {
      this.respond(100, options.trying);
    });
  }

  get state(): InviteServerState {
    return this.#state;
  }

  /** The INVITE came again: the last response goes out again, except a 2xx, which its user repeats. */
  receiveRetransmission(): void {
    if (this.#state !== 'proceeding' && this.#state !== 'completed') return;
    if (this.#last !== undefined) this.#options.send(this.#last);
  }

  /** An ACK of this branch: it belongs to a refusal. Ignored in every other state. */
  receiveAck(): void {
    if (this.#state !== 'completed') return;
    this.#retransmission?.stop();
    this.#state = 'confirmed';
    // Timer I absorbs repeated ACKs.
    this.#terminateAfter(this.#options.reliable ? 0 : T4_MS);
  }

  /**
   * Sends a response. In "accepted" further 2xx are sent as they come: their retransmission is the
   * user's (RFC 6026 §7.1). What does not fit the state is dropped.
   */
  respond(status: number, bytes: Uint8Array): void {
    if (this.#state === 'accepted' && status >= 200 && status < 300) {
      this.#options.send(bytes);
      return;
    }
    if (this.#state !== 'proceeding') return;
    this.#tryingTimer?.cancel();
    this.#tryingTimer = undefined;
    this.#last = bytes;
    this.#options.send(bytes);
    if (status < 200) return;
    if (status < 300) {
      this.#state = 'accepted';
      // Timer L.
      this.#terminateAfter(TRANSACTION_TIMEOUT_MS);
      return;
    }
    this.#state = 'completed';
    // Timer G.
    if (!this.#options.reliable) {
      this.#retransmission = new Retransmission(this.#options.clock, T2_MS, () => {
        this.#options.send(bytes);
      });
    }
    // Timer H. No ACK came: nothing is left to do for a refusal.
    this.#terminateAfter(TRANSACTION_TIMEOUT_MS);
  }

  /** Forgets everything at once. Idempotent. */
  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#tryingTimer?.cancel();
    this.#retransmission?.stop();
    this.#timer?.cancel();
    this.#options.onTerminated();
  }

  #terminateAfter(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.terminate();
    });
  }
}
