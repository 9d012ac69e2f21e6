import type { Clock, Timer } from '../../core/ports/clock.ts';
import { TRANSACTION_TIMEOUT_MS } from './timings.ts';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerOptions = {
  readonly clock: Clock;
  readonly reliable: boolean;
  readonly send: (bytes: Uint8Array) => void;
  /** Called once, in the state "terminated". */
  readonly onTerminated: () => void;
};

/** RFC 3261 §17.2.2. */
export class NonInviteServerTransaction {
  readonly #options: NonInviteServerOptions;
  #state: NonInviteServerState = 'trying';
  #last: Uint8Array | undefined;
  #timer: Timer | undefined;

  constructor(options: NonInviteServerOptions) {
    this.#options = options;
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  receiveRetransmission(): void {
    if (this.#last !== undefined && this.#state !== 'terminated') this.#options.send(this.#last);
  }

  /** Sends a response; only the first final one counts. */
  respond(status: number, bytes: Uint8Array): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return;
    this.#last = bytes;
    this.#options.send(bytes);
    if (status < 200) {
      this.#state = 'proceeding';
      return;
    }
    this.#state = 'completed';
    // Timer J: a lost response is asked for by repeating the request.
    this.#timer = this.#options.clock.setTimer(
      this.#options.reliable ? 0 : TRANSACTION_TIMEOUT_MS,
      () => {
        this.terminate();
      },
    );
  }

  /** Idempotent. */
  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#timer?.cancel();
    this.#options.onTerminated();
  }
}
