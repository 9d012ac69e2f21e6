import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import type { ClientFailure } from './client-outcome.ts';
import { Retransmission } from './retransmission.ts';
import { T2_MS, T4_MS, TRANSACTION_TIMEOUT_MS } from './timings.ts';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientOptions = {
  readonly clock: Clock;
  readonly reliable: boolean;
  readonly sendRequest: () => void;
  /** Provisional responses, and the first final one. */
  readonly onResponse: (response: SipResponse) => void;
  readonly onFailure: (failure: ClientFailure) => void;
  /** Called once, in the state "terminated". */
  readonly onTerminated: () => void;
};

/** RFC 3261 §17.1.2. */
export class NonInviteClientTransaction {
  readonly #options: NonInviteClientOptions;
  #state: NonInviteClientState = 'trying';
  #retransmission: Retransmission | undefined;
  #timer: Timer | undefined;

  constructor(options: NonInviteClientOptions) {
    this.#options = options;
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  start(): void {
    const { clock, reliable, sendRequest } = this.#options;
    // Timers E and F.
    if (!reliable) this.#retransmission = new Retransmission(clock, T2_MS, sendRequest);
    this.#timer = clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
      this.fail('timeout');
    });
    sendRequest();
  }

  receive(response: SipResponse): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return;
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#retransmission?.slowDown();
      this.#options.onResponse(response);
      return;
    }
    this.#state = 'completed';
    this.#retransmission?.stop();
    this.#timer?.cancel();
    // Timer K absorbs repeated responses.
    this.#timer = this.#options.clock.setTimer(this.#options.reliable ? 0 : T4_MS, () => {
      this.terminate();
    });
    this.#options.onResponse(response);
  }

  fail(failure: ClientFailure): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.terminate();
    this.#options.onFailure(failure);
  }

  /** Idempotent. */
  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#retransmission?.stop();
    this.#timer?.cancel();
    this.#options.onTerminated();
  }
}
