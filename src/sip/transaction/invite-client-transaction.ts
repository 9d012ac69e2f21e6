import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import type { ClientFailure } from './client-outcome.ts';
import { Retransmission } from './retransmission.ts';
import { TIMER_D_MS, TRANSACTION_TIMEOUT_MS } from './timings.ts';

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';

export type InviteClientOptions = {
  readonly clock: Clock;
  readonly reliable: boolean;
  /** Puts the INVITE on the wire. */
  readonly sendRequest: () => void;
  /** Acknowledges a refusal, on the branch of the INVITE (RFC 3261 §17.1.1.3). */
  readonly sendAck: (refusal: SipResponse) => void;
  /** Every provisional, the first refusal, and every 2xx with its repetitions (RFC 6026 §7.2). */
  readonly onResponse: (response: SipResponse) => void;
  /** No final response came. */
  readonly onFailure: (failure: ClientFailure) => void;
  /** Called once, in the state "terminated". */
  readonly onTerminated: () => void;
};

/** RFC 3261 §17.1.1 with the state "accepted" of RFC 6026 §7.2. */
export class InviteClientTransaction {
  readonly #options: InviteClientOptions;
  #state: InviteClientState = 'calling';
  #retransmission: Retransmission | undefined;
  #timer: Timer | undefined;

  constructor(options: InviteClientOptions) {
    this.#options = options;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  /** Sends the INVITE. */
  start(): void {
    const { clock, reliable, sendRequest } = this.#options;
    // Timer A has no cap; timer B ends it first.
    if (!reliable) {
      this.#retransmission = new Retransmission(clock, TRANSACTION_TIMEOUT_MS, sendRequest);
    }
    this.#timer = clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
      this.fail('timeout');
    });
    sendRequest();
  }

  receive(response: SipResponse): void {
    if (this.#state === 'terminated') return;
    if (this.#state === 'accepted') {
      if (response.status >= 200 && response.status < 300) this.#options.onResponse(response);
      return;
    }
    if (this.#state === 'completed') {
      if (response.status >= 300) this.#options.sendAck(response);
      return;
    }
    this.#retransmission?.stop();
    this.#timer?.cancel();
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#options.onResponse(response);
      return;
    }
    if (response.status < 300) {
      this.#state = 'accepted';
      // Timer M.
      this.#terminateAfter(TRANSACTION_TIMEOUT_MS);
      this.#options.onResponse(response);
      return;
    }
    this.#state = 'completed';
    this.#options.sendAck(response);
    this.#terminateAfter(this.#options.reliable ? 0 : TIMER_D_MS);
    this.#options.onResponse(response);
  }

  /** The transport gave up, or time is over. */
  fail(failure: ClientFailure): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
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

  #terminateAfter(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.terminate();
    });
  }
}
