import type { Clock } from '../../core/ports/clock.ts';
import { responseTo } from '../../protocols/sip/build.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { serialiseMessage } from '../../protocols/sip/serialise.ts';
import { isReliable, type Flow, type Target } from '../transport/flow.ts';
import { responseTarget } from '../transport/received.ts';
import { InviteServerTransaction } from './invite-server-transaction.ts';
import { NonInviteServerTransaction } from './non-invite-server-transaction.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { mergeKey, serverTransactionKey } from './transaction-key.ts';

export type ServerTransactionsOptions = {
  readonly clock: Clock;
  readonly send: (bytes: Uint8Array, to: Target) => void;
  /** Decides about a request that opens a transaction; what it refuses costs no state. */
  readonly admit: (request: SipRequest, flow: Flow) => Admission;
  readonly onRequest: (transaction: ServerTransaction) => void;
  /** An ACK that belongs to no refusal: of a 2xx. */
  readonly onAck: (request: SipRequest, flow: Flow) => void;
  /** The INVITE of `invite` is cancelled; the CANCEL is answered already. */
  readonly onCancel: (invite: ServerTransaction) => void;
};

export type Admission =
  | { readonly kind: 'accept' }
  | { readonly kind: 'refuse'; readonly response: SipResponse }
  | { readonly kind: 'drop' };

type Entry = {
  readonly transaction: ServerTransaction;
  readonly machine: InviteServerTransaction | NonInviteServerTransaction;
};

/** Matches requests to server transactions (RFC 3261 §17.2.3) and owns them. */
export class ServerTransactions {
  readonly #options: ServerTransactionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** Requests outside dialogs that are being served, to find those that come twice. */
  readonly #merging = new Map<string, string>();

  constructor(options: ServerTransactionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  receive(request: SipRequest, flow: Flow): void {
    if (request.method === 'ACK') {
      this.#receiveAck(request, flow);
      return;
    }
    const key = serverTransactionKey(request, request.method);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.machine.receiveRetransmission();
      return;
    }
    const admission = this.#options.admit(request, flow);
    if (admission.kind === 'drop') return;
    if (admission.kind === 'refuse') {
      this.sendStateless(admission.response, flow);
      return;
    }
    if (request.method === 'CANCEL') this.#receiveCancel(request, flow, key);
    else this.#options.onRequest(this.#open(request, flow, key));
  }

  /** Whether this request outside a dialog is under way on another branch (RFC 3261 §8.2.2.2). */
  isMerged(request: SipRequest): boolean {
    const other = this.#merging.get(mergeKey(request));
    return other !== undefined && other !== serverTransactionKey(request, request.method);
  }

  /** Sends a response that no transaction repeats. */
  sendStateless(response: SipResponse, flow: Flow): void {
    this.#options.send(serialiseMessage(response), responseTarget(response.via, flow));
  }

  /** Forgets everything. */
  close(): void {
    for (const entry of [...this.#entries.values()]) entry.machine.terminate();
  }

  #receiveAck(request: SipRequest, flow: Flow): void {
    const entry = this.#entries.get(serverTransactionKey(request, 'INVITE'));
    // Old elements acknowledge a 2xx on the branch of the INVITE (RFC 6026 §7.1).
    if (entry?.machine instanceof InviteServerTransaction && entry.machine.state !== 'accepted') {
      entry.machine.receiveAck();
      return;
    }
    this.#options.onAck(request, flow);
  }

  #receiveCancel(request: SipRequest, flow: Flow, key: string): void {
    const invite = this.#entries.get(serverTransactionKey(request, 'INVITE'));
    if (invite === undefined) {
      // Without a transaction: anybody can make these up.
      this.sendStateless(responseTo(request, 481, undefined, { toTag: 'unknown' }), flow);
      return;
    }
    const transaction = this.#open(request, flow, key);
    transaction.respond(responseTo(request, 200));
    if (!invite.transaction.isFinal) this.#options.onCancel(invite.transaction);
  }

  #open(request: SipRequest, flow: Flow, key: string): ServerTransaction {
    const to = responseTarget(request.via, flow);
    const merging = mergeKey(request);
    const unmerge = (): void => {
      if (this.#merging.get(merging) === key) this.#merging.delete(merging);
    };
    const common = {
      clock: this.#options.clock,
      reliable: isReliable(flow.transport),
      send: (bytes: Uint8Array) => {
        this.#options.send(bytes, to);
      },
      onTerminated: () => {
        this.#entries.delete(key);
        unmerge();
      },
    };
    const machine =
      request.method === 'INVITE'
        ? new InviteServerTransaction({
            ...common,
            trying: serialiseMessage(responseTo(request, 100)),
          })
        : new NonInviteServerTransaction(common);
    let isFinal = false;
    const transaction: ServerTransaction = {
      request,
      flow,
      get isFinal() {
        return isFinal;
      },
      respond: (response) => {
        if (response.status >= 200) isFinal = true;
        // After a refusal, such as a challenge, the same request may come again on its own.
        if (response.status >= 300) unmerge();
        machine.respond(response.status, serialiseMessage(response));
      },
    };
    this.#entries.set(key, { transaction, machine });
    if (!request.to.parameters.has('tag') && !this.#merging.has(merging)) {
      this.#merging.set(merging, key);
    }
    return transaction;
  }
}
