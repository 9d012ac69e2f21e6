import type { SessionId } from '../../core/ids.ts';
import type { LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { Tone } from '../../core/tone.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import type { DialogRecord } from '../dialog.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { ACCEPT_HEADER, ALLOW, CAPABILITY_HEADERS, SUPPORTED_EXTENSIONS } from './capabilities.ts';
import { DialogMessages, type DialogMessagesOptions } from './dialog-messages.ts';
import { IncomingOffers } from './incoming-offers.ts';
import type { MediaNegotiation } from './media-negotiation.ts';
import { listOf } from './option-tags.ts';
import { OwnOffers } from './own-offers.ts';
import { receiveInfo } from './receive-info.ts';
import { ReceivedReferrals } from './received-referrals.ts';
import { SentReferrals } from './sent-referrals.ts';
import { SessionExpiry } from './session-expiry.ts';
import type { Flow, Target } from '../transport/flow.ts';
import type { DialogUser } from './sip-context.ts';

export type DialogSessionOptions = DialogMessagesOptions & {
  /** `undefined` for a dialog that is only to be ended. */
  readonly sessionId?: SessionId;
  /** `undefined`: a dialog that is only to be ended; new offers are refused. */
  readonly media: MediaNegotiation | undefined;
  /** Whether the INVITE was ours. */
  readonly ownsCallId: boolean;
  readonly handlers: DialogHandlers;
  /** Whether a PRACK is for a response to the first INVITE; it may come behind the 2xx. Default never. */
  readonly isPrackKnown?: (prack: SipRequest) => boolean;
};

/** What a session tells its owner; every one is called at the moment, not kept. */
export type DialogHandlers = {
  readonly onEnd: (end: SessionEnd) => void;
  readonly onMediaChange: (remote: RemoteMedia) => void;
  readonly onRefer: (refer: IncomingRefer) => void;
  readonly onTone: (tone: Tone, durationMs: number) => void;
};

/** A confirmed dialog with its media, from the 2xx to the BYE. */
export class DialogSession implements DialogUser {
  readonly sessionId: SessionId | undefined;
  /** Offers of the far side; takes the 2xx to the first INVITE too. */
  readonly incoming: IncomingOffers;
  readonly #handlers: DialogHandlers;
  readonly #isPrackKnown: (prack: SipRequest) => boolean;
  readonly #messages: DialogMessages;
  readonly #own: OwnOffers;
  readonly #sent: SentReferrals;
  readonly #received: ReceivedReferrals;
  readonly #expiry: SessionExpiry;
  #release: () => void;
  readonly #media: MediaNegotiation | undefined;
  #state: 'up' | 'ending' | 'over' = 'up';
  #ending: Promise<void> | undefined;

  /** Takes the dialog's place in the context's table. */
  constructor(options: DialogSessionOptions) {
    const { context, dialog, media, handlers } = options;
    this.sessionId = options.sessionId;
    this.#handlers = handlers;
    this.#isPrackKnown = options.isPrackKnown ?? (() => false);
    this.#messages = new DialogMessages(options);
    context.dialogs.set(dialog.key, this);
    this.#release = this.#hold(options.flow);
    this.#media = media;
    const onMediaChange = (remote: RemoteMedia): void => {
      if (this.isUp) handlers.onMediaChange(remote);
    };
    const fail = (end: SessionEnd): void => {
      void this.end(end);
    };
    const onGone = (): void => {
      this.#over({ status: 408, reason: 'Peer gone', by: 'network' });
    };
    this.#expiry = new SessionExpiry({
      clock: context.clock,
      onExpired: () => {
        fail({ status: 408, reason: 'Session expired', by: 'network' });
      },
      onRefresh: () => {
        void this.#own.refresh();
      },
    });
    this.#own = new OwnOffers({
      messages: this.#messages,
      media,
      expiry: this.#expiry,
      ownsCallId: options.ownsCallId,
      isUp: () => this.isUp,
      whenSettled: () => this.incoming.settled(),
      onMediaChange,
      onGone,
      onUnusable: () => {
        fail({ status: 488, reason: 'No usable answer', by: 'local' });
      },
    });
    this.incoming = new IncomingOffers({
      messages: this.#messages,
      media,
      expiry: this.#expiry,
      isOffering: () => this.#own.isOffering,
      onMediaChange,
      onFailure: fail,
    });
    this.#sent = new SentReferrals(this.#messages, onGone, () => {
      this.#forget();
    });
    this.#received = new ReceivedReferrals(this.#messages, (refer) => {
      handlers.onRefer(refer);
    });
  }

  get stage(): 'up' | 'over' {
    return this.isUp ? 'up' : 'over';
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get expiry(): SessionExpiry {
    return this.#expiry;
  }

  record(): DialogRecord {
    return this.#messages.dialog.record();
  }

  /** Takes note of what the far side allows. */
  learn(message: SipRequest | SipResponse): void {
    this.#own.learn(message);
  }

  reoffer(local: LocalMedia): Promise<RemoteMedia> {
    return this.#own.reoffer(local);
  }

  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome> {
    if (!this.isUp) return Promise.resolve({ status: 481, reason: 'The call is over' });
    return this.#sent.refer(target, timeoutMs);
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { dialog } = this.#messages;
    if (!dialog.accepts(request)) {
      this.#messages.respond(transaction, 500, { headers: [['Retry-After', '1']] });
      return;
    }
    // The outcome of a REFER may come after the BYE (RFC 5057 §5).
    if (request.method === 'NOTIFY') {
      this.#sent.receiveNotify(transaction);
      return;
    }
    if (request.method === 'BYE' && this.#state !== 'over') {
      this.#messages.respond(transaction, 200);
      this.#over({ status: 200, reason: reasonOfBye(request), by: 'remote' });
      return;
    }
    if (this.#state !== 'up') {
      this.#messages.respond(transaction, 481);
      return;
    }
    const unsupported = listOf(request.headers, 'Require').filter(
      (tag) => !SUPPORTED_EXTENSIONS.includes(tag),
    );
    if (unsupported.length > 0) {
      this.#messages.respond(transaction, 420, {
        headers: [['Unsupported', unsupported.join(', ')]],
      });
      return;
    }
    this.#own.learn(request);
    this.#serve(transaction);
  }

  receiveAck(request: SipRequest): void {
    this.incoming.receiveAck(request.cseq.number, request.body);
  }

  /** BYE, after the ACK of a pending 2xx (RFC 3261 §15). Resolves when answered. Idempotent. */
  end(end: SessionEnd): Promise<void> {
    if (this.#state === 'over') return this.#ending ?? Promise.resolve();
    this.#ending ??= this.#end(end);
    return this.#ending;
  }

  #serve(transaction: ServerTransaction): void {
    const { method } = transaction.request;
    if (method === 'INVITE' || method === 'UPDATE') this.#follow(transaction.flow);
    switch (method) {
      case 'INVITE':
        this.incoming.receiveInvite(transaction);
        break;
      case 'UPDATE':
        this.incoming.receiveUpdate(transaction);
        break;
      case 'INFO':
        receiveInfo(this.#messages, transaction, this.#handlers.onTone);
        break;
      case 'PRACK':
        this.#messages.respond(transaction, this.#isPrackKnown(transaction.request) ? 200 : 481);
        break;
      case 'REFER':
        this.#received.receive(transaction);
        break;
      case 'OPTIONS':
        this.#messages.respond(transaction, 200, {
          headers: [...CAPABILITY_HEADERS, ACCEPT_HEADER],
        });
        break;
      default:
        this.#messages.respond(transaction, 405, { headers: [['Allow', ALLOW]] });
    }
  }

  /** A phone that has moved says so by the way that its re-INVITE takes. */
  #follow(flow: Flow): void {
    const before = this.#messages.flow;
    this.#messages.follow(flow);
    if (before !== undefined) this.#media?.follow(before.remote.address, flow.remote.address);
    if (before?.connection === flow.connection) return;
    this.#release();
    this.#release = this.#hold(flow);
  }

  #hold(flow: Target | undefined): () => void {
    const { connection } = flow ?? {};
    return connection === undefined ? () => undefined : this.#messages.context.hold(connection);
  }

  async #end(end: SessionEnd): Promise<void> {
    this.#state = 'ending';
    this.#stop();
    this.#sent.stop();
    queueMicrotask(() => {
      this.#handlers.onEnd(end);
    });
    await this.incoming.settled();
    if (this.#hasEnded()) return;
    await this.#messages.send('BYE', {
      headers: end.status === 200 ? [] : [['Reason', reasonHeader(end)]],
    });
    this.#leave();
  }

  /** The far side ended it, or is gone. */
  #over(end: SessionEnd): void {
    const told = this.#state !== 'up';
    this.#leave();
    if (!told) this.#handlers.onEnd(end);
  }

  #leave(): void {
    if (this.#hasEnded()) return;
    this.#state = 'over';
    this.incoming.stop();
    this.#stop();
    this.#release();
    this.#forget();
  }

  #stop(): void {
    this.#expiry.stop();
    this.#own.stop();
  }

  /** Only the outcome of a transfer may keep the dialog in the table once it is over. */
  #forget(): void {
    if (!this.#hasEnded() || this.#sent.isWaiting) return;
    const { context, dialog } = this.#messages;
    if (context.dialogs.get(dialog.key) === this) context.dialogs.delete(dialog.key);
  }

  #hasEnded(): boolean {
    return this.#state === 'over';
  }
}

/** `Reason: SIP;cause=480;text="…"` (RFC 3326). */
export function reasonHeader(end: { readonly status: number; readonly reason: string }): string {
  return `SIP;cause=${end.status};text="${end.reason.replace(/["\\\r\n]/g, ' ')}"`;
}

function reasonOfBye(request: SipRequest): string {
  const text = /;\s*text\s*=\s*"([^"\\]{1,200})"/i.exec(request.headers.get('Reason') ?? '')?.[1];
  return text ?? 'BYE';
}
