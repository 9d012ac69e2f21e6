import type { Clock } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';
import {
  request as buildRequest,
  type HeaderList,
  type RequestOptions,
} from '../../protocols/sip/build.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { serialiseMessage } from '../../protocols/sip/serialise.ts';
import type { Via } from '../../protocols/sip/via.ts';
import { isReliable, type Target, type TransportName } from '../transport/flow.ts';
import { MAX_UDP_REQUEST_BYTES } from '../transport/limits.ts';
import type { ClientFailure } from './client-outcome.ts';
import { InviteClientTransaction } from './invite-client-transaction.ts';
import { NonInviteClientTransaction } from './non-invite-client-transaction.ts';
import { MAGIC_COOKIE, clientTransactionKey } from './transaction-key.ts';

/** A request before its way is known: all but `Via`. */
export type RequestDraft = Omit<RequestOptions, 'via'>;

/** Where a request goes; `mayUseTcp` lets one that is too long for UDP change (RFC 3261 §18.1.1). */
export type RequestTarget = Target & { readonly mayUseTcp?: boolean };

export type ClientHandlers = {
  readonly onResponse: (response: SipResponse) => void;
  readonly onFailure: (failure: ClientFailure) => void;
};

/** A request under way. */
export interface ClientTransaction {
  /** As it was sent last. */
  readonly request: SipRequest;
  readonly target: Target;
}

export type ClientTransactionsOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly send: (bytes: Uint8Array, to: Target, onFailure: () => void) => void;
  /** What our `Via` says in a message to this peer; `undefined`: no socket of its family. */
  readonly sentBy: (target: Target) => { readonly host: string; readonly port: number } | undefined;
  readonly maxTransactions: number;
};

const BRANCH_BYTES = 12;

/** Sends requests and matches their responses (RFC 3261 §17.1.3); owns the transactions. */
export class ClientTransactions {
  readonly #options: ClientTransactionsOptions;
  readonly #machines = new Map<string, InviteClientTransaction | NonInviteClientTransaction>();

  constructor(options: ClientTransactionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#machines.size;
  }

  receive(response: SipResponse): void {
    this.#machines.get(clientTransactionKey(response))?.receive(response);
  }

  /** Handlers are never called within this call. */
  send(draft: RequestDraft, target: RequestTarget, handlers: ClientHandlers): ClientTransaction {
    const probe = this.#build(draft, target);
    if (
      target.transport === 'UDP' &&
      target.mayUseTcp === true &&
      serialiseMessage(probe).byteLength > MAX_UDP_REQUEST_BYTES
    ) {
      return this.#sendByTcpFirst(draft, target, handlers);
    }
    const state = { request: probe, target };
    this.#start(probe, target, handlers);
    return state;
  }

  /** Cancels the INVITE of `invite`; valid once a provisional response has come (RFC 3261 §9.1). */
  cancel(invite: ClientTransaction, headers: HeaderList = []): void {
    const { request, target } = invite;
    const cancel = onBranchOf(request, 'CANCEL', headers);
    this.#start(cancel, target, { onResponse: () => undefined, onFailure: () => undefined });
  }

  /** An ACK for a 2xx (RFC 3261 §13.2.2.4); call the result to send it, again for each repeated 2xx. */
  acknowledge(draft: RequestDraft, target: Target): () => void {
    const bytes = serialiseMessage(this.#build(draft, target));
    return () => {
      this.#options.send(bytes, target, () => undefined);
    };
  }

  /** Forgets everything without telling anybody. */
  close(): void {
    for (const machine of [...this.#machines.values()]) machine.terminate();
  }

  #sendByTcpFirst(
    draft: RequestDraft,
    target: RequestTarget,
    handlers: ClientHandlers,
  ): ClientTransaction {
    const overTcp: Target = { transport: 'TCP', remote: target.remote };
    const state: { request: SipRequest; target: Target } = {
      request: this.#build(draft, overTcp),
      target: overTcp,
    };
    this.#start(state.request, overTcp, {
      onResponse: handlers.onResponse,
      onFailure: (failure) => {
        if (failure !== 'transport') {
          handlers.onFailure(failure);
          return;
        }
        // No TCP there: RFC 3261 §18.1.1 wants UDP then.
        const overUdp: Target = { transport: 'UDP', remote: target.remote };
        state.request = this.#build(draft, overUdp);
        state.target = overUdp;
        this.#start(state.request, overUdp, handlers);
      },
    });
    return state;
  }

  #start(request: SipRequest, target: Target, handlers: ClientHandlers): void {
    const { clock } = this.#options;
    const key = clientTransactionKey(request);
    if (
      this.#machines.size >= this.#options.maxTransactions ||
      this.#options.sentBy(target) === undefined
    ) {
      queueMicrotask(() => {
        handlers.onFailure('transport');
      });
      return;
    }
    const bytes = serialiseMessage(request);
    const common = {
      clock,
      reliable: isReliable(target.transport),
      sendRequest: () => {
        this.#options.send(bytes, target, () => {
          machine.fail('transport');
        });
      },
      onResponse: handlers.onResponse,
      onFailure: handlers.onFailure,
      onTerminated: () => {
        this.#machines.delete(key);
      },
    };
    const machine =
      request.method === 'INVITE'
        ? new InviteClientTransaction({
            ...common,
            sendAck: (refusal) => {
              const ack = onBranchOf(request, 'ACK');
              // The tag is that of the refusal (RFC 3261 §17.1.1.3).
              ack.headers.set('To', refusal.headers.get('To') ?? '');
              this.#options.send(serialiseMessage(ack), target, () => undefined);
            },
          })
        : new NonInviteClientTransaction(common);
    this.#machines.set(key, machine);
    machine.start();
  }

  #build(draft: RequestDraft, target: Target): SipRequest {
    return buildRequest({ ...draft, via: this.#via(target) });
  }

  #via(target: Target): Via {
    const sentBy = this.#options.sentBy(target) ?? { host: 'invalid', port: 5060 };
    return {
      transport: target.transport satisfies TransportName,
      host: sentBy.host,
      port: sentBy.port,
      parameters: new Map([
        ['rport', ''],
        ['branch', `${MAGIC_COOKIE}${this.#options.random.hex(BRANCH_BYTES)}`],
      ]),
    };
  }
}

/** ACK of a refusal, or CANCEL: the INVITE's own branch, route and CSeq (RFC 3261 §9.1, §17.1.1.3). */
function onBranchOf(
  invite: SipRequest,
  method: 'ACK' | 'CANCEL',
  headers: HeaderList = [],
): SipRequest {
  return buildRequest({
    method,
    uri: invite.uri,
    via: invite.via,
    from: invite.from,
    to: invite.to,
    callId: invite.callId,
    cseqNumber: invite.cseq.number,
    headers: [...invite.headers.all('Route').map((route) => ['Route', route] as const), ...headers],
  });
}
