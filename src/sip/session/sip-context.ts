import type { SessionId } from '../../core/ids.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import type { SipUri } from '../../protocols/sip/uri.ts';
import type { ClientTransactions, RequestTarget } from '../transaction/client-transactions.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Target } from '../transport/flow.ts';

/** Whoever serves the requests of one dialog. */
export interface DialogUser {
  /** The session that the dialog is, as the calls know it; `undefined` if they do not. */
  readonly sessionId: SessionId | undefined;
  /** Whether the INVITE has its 2xx, and neither side has said goodbye. */
  readonly stage: 'early' | 'up' | 'over';
  receive(transaction: ServerTransaction): void;
  /** The ACK of a 2xx. */
  receiveAck(request: SipRequest): void;
}

/** What sessions need of their endpoint. */
export type SipContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly clients: ClientTransactions;
  /** By `Dialog.key`. */
  readonly dialogs: Map<string, DialogUser>;
  /** The value of our `Contact` in messages to this target. */
  readonly contact: (user: string, target: Target) => string;
  /** The host of our URIs in messages to this target. */
  readonly host: (target: Target) => string;
  /** The address that SDP to this target carries for a socket bound to this one. */
  readonly mediaAddress: (bound: string, target: Target) => string;
  readonly locate: (uri: SipUri) => Promise<RequestTarget | undefined>;
  readonly isOpen: (connection: number) => boolean;
  /** Keeps a connection from being reaped; call the result to let go. */
  readonly hold: (connection: number) => () => void;
};
