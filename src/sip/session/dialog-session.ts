import type { RemoteMedia } from '../../core/media-format.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import { responseTo, type ResponseOptions } from '../../protocols/sip/build.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import type { Dialog, DialogRecord } from '../dialog.ts';
import { sendWithCredentials, type Credentials } from '../digest-client.ts';
import type { RequestDraft } from '../transaction/client-transactions.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Target } from '../transport/flow.ts';
import { AcceptedResponse } from './accepted-response.ts';
import { ALLOW, CAPABILITY_HEADERS, ACCEPT_HEADER, SDP_TYPE, isSdp } from './capabilities.ts';
import { inDialogTarget } from './in-dialog-target.ts';
import type { MediaNegotiation } from './media-negotiation.ts';
import { SessionExpiry } from './session-expiry.ts';
import type { DialogUser, SipContext } from './sip-context.ts';

export type DialogSessionOptions = {
  readonly context: SipContext;
  readonly dialog: Dialog;
  /** `undefined`: a dialog that is only to be ended; new offers are refused. */
  readonly media: MediaNegotiation | undefined;
  /** Where the far side was last heard; `undefined` for a dialog that was restored. */
  readonly flow: Target | undefined;
  readonly credentials: Credentials | undefined;
  /** User part of our Contact. */
  readonly contactUser: string;
  readonly onEnd: (end: SessionEnd) => void;
  readonly onMediaChange: (remote: RemoteMedia) => void;
};

/** Far-away upper bound of the Retry-After of RFC 3261 §14.2. */
const MAX_RETRY_AFTER_S = 10;

type OfferWaiting = (body: Uint8Array) => void;

/** A confirmed dialog with its media: re-INVITE, UPDATE, session timer, BYE. */
export class DialogSession implements DialogUser {
  readonly dialog: Dialog;
  readonly #options: DialogSessionOptions;
  readonly #context: SipContext;
  readonly #expiry: SessionExpiry;
  readonly #release: () => void;
  #state: 'up' | 'ending' | 'over' = 'up';
  #accepted: AcceptedResponse | undefined;
  /** An offer of ours that its ACK will answer. */
  #offerOpen = false;
  #refreshing = false;
  #ending: Promise<void> | undefined;

  /** Takes the dialog's place in the context's table. */
  constructor(options: DialogSessionOptions) {
    this.#options = options;
    this.#context = options.context;
    this.dialog = options.dialog;
    this.#context.dialogs.set(this.dialog.key, this);
    const connection = options.flow?.connection;
    this.#release = connection === undefined ? () => undefined : this.#context.hold(connection);
    this.#expiry = new SessionExpiry({
      clock: this.#context.clock,
      onExpired: () => {
        void this.end({ status: 408, reason: 'Session expired', by: 'network' });
      },
      onRefresh: () => {
        void this.#refresh();
      },
    });
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get expiry(): SessionExpiry {
    return this.#expiry;
  }

  record(): DialogRecord {
    return this.dialog.record();
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (!this.dialog.accepts(request)) {
      this.#respond(transaction, 500, { headers: [['Retry-After', '1']] });
      return;
    }
    if (request.method === 'BYE') {
      this.#respond(transaction, 200);
      this.#over({ status: 200, reason: reasonOfBye(request), by: 'remote' });
      return;
    }
    if (this.#state !== 'up') {
      this.#respond(transaction, 481);
      return;
    }
    switch (request.method) {
      case 'INVITE':
        this.#receiveInvite(transaction);
        break;
      case 'UPDATE':
        this.#receiveUpdate(transaction);
        break;
      case 'OPTIONS':
        this.#respond(transaction, 200, { headers: [...CAPABILITY_HEADERS, ACCEPT_HEADER] });
        break;
      default:
        this.#respond(transaction, 405, { headers: [['Allow', ALLOW]] });
    }
  }

  receiveAck(request: SipRequest): void {
    this.#accepted?.receiveAck(request.cseq.number, request.body);
  }

  /**
   * Sends a 2xx to an INVITE and repeats it until the ACK. With `body` as an offer `onAnswer` gets
   * the body of the ACK. Without an ACK the dialog is ended (RFC 3261 §13.3.1.4).
   */
  acceptInvite(
    transaction: ServerTransaction,
    options: {
      readonly headers?: readonly (readonly [string, string])[];
      readonly body: Uint8Array;
      readonly onAnswer?: OfferWaiting;
    },
  ): void {
    // A new INVITE of the far side proves that the 2xx before it has come.
    this.#accepted?.stop();
    const response = responseTo(transaction.request, 200, undefined, {
      toTag: this.dialog.localTag,
      headers: [
        ['Contact', this.#contact(transaction.flow)],
        ...CAPABILITY_HEADERS,
        ...(options.headers ?? []),
        ...this.#expiry.answer(transaction.request),
      ],
      body: options.body,
      contentType: SDP_TYPE,
    });
    const { onAnswer } = options;
    this.#offerOpen = onAnswer !== undefined;
    this.#accepted = new AcceptedResponse({
      clock: this.#context.clock,
      cseqNumber: transaction.request.cseq.number,
      send: () => {
        transaction.respond(response);
      },
      onAck: (body) => {
        this.#offerOpen = false;
        onAnswer?.(body);
      },
      onNoAck: () => {
        void this.end({ status: 408, reason: 'No ACK', by: 'network' });
      },
    });
  }

  /** BYE, after the ACK of a pending 2xx (RFC 3261 §15). Resolves when answered. Idempotent. */
  end(end: SessionEnd): Promise<void> {
    if (this.#state === 'over') return this.#ending ?? Promise.resolve();
    this.#ending ??= this.#end(end);
    return this.#ending;
  }

  async #end(end: SessionEnd): Promise<void> {
    this.#state = 'ending';
    this.#expiry.stop();
    queueMicrotask(() => {
      this.#options.onEnd(end);
    });
    await this.#accepted?.settled();
    if (this.#hasEnded()) return;
    await this.#request('BYE', end.status === 200 ? [] : [['Reason', reasonHeader(end)]]);
    this.#leave();
  }

  /** The far side ended it, or is gone. */
  #over(end: SessionEnd): void {
    const told = this.#state === 'ending';
    this.#leave();
    if (!told) this.#options.onEnd(end);
  }

  #leave(): void {
    if (this.#hasEnded()) return;
    this.#state = 'over';
    this.#accepted?.stop();
    this.#expiry.stop();
    this.#release();
    this.#context.dialogs.delete(this.dialog.key);
  }

  #hasEnded(): boolean {
    return this.#state === 'over';
  }

  #receiveInvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { media } = this.#options;
    if (media === undefined) {
      this.#respond(transaction, 488);
      return;
    }
    if (this.#refreshing || this.#offerOpen) {
      // Glare (RFC 3261 §14.2).
      this.#respond(transaction, 491);
      return;
    }
    if (request.body.byteLength === 0) {
      this.dialog.refreshTarget(request);
      this.acceptInvite(transaction, {
        body: media.offer(),
        onAnswer: (body) => {
          const remote = media.readAnswer(body);
          if (remote !== undefined) this.#options.onMediaChange(remote);
          else void this.end({ status: 488, reason: 'No usable answer', by: 'local' });
        },
      });
      return;
    }
    const answer = this.#answerTo(transaction);
    if (answer === undefined) return;
    this.dialog.refreshTarget(request);
    this.acceptInvite(transaction, { body: answer.body });
    this.#options.onMediaChange(answer.remote);
  }

  /** RFC 3311. */
  #receiveUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    let body = new Uint8Array(0) as Uint8Array;
    let remote: RemoteMedia | undefined;
    if (request.body.byteLength > 0) {
      if (this.#refreshing || this.#offerOpen) {
        this.#respond(transaction, 491);
        return;
      }
      const answer = this.#answerTo(transaction);
      if (answer === undefined) return;
      body = answer.body;
      remote = answer.remote;
    }
    this.dialog.refreshTarget(request);
    this.#respond(transaction, 200, {
      headers: [
        ['Contact', this.#contact(transaction.flow)],
        ...CAPABILITY_HEADERS,
        ...this.#expiry.answer(request),
      ],
      ...(remote === undefined ? {} : { body, contentType: SDP_TYPE }),
    });
    if (remote !== undefined) this.#options.onMediaChange(remote);
  }

  /** The answer to the offer in the request; refuses the request when there is none. */
  #answerTo(
    transaction: ServerTransaction,
  ): { readonly body: Uint8Array; readonly remote: RemoteMedia } | undefined {
    const { request } = transaction;
    if (!isSdp(request.headers.get('Content-Type'))) {
      this.#respond(transaction, 415, { headers: [ACCEPT_HEADER] });
      return undefined;
    }
    const answer = this.#options.media?.answer(request.body) ?? 'unsupported';
    if (answer === 'malformed') this.#respond(transaction, 400, {}, 'Bad Request (SDP)');
    else if (answer === 'unsupported') this.#respond(transaction, 488);
    else return answer;
    return undefined;
  }

  /** Keeps the session timer of RFC 4028 running when that is our part. */
  async #refresh(): Promise<void> {
    if (this.#state !== 'up' || this.#refreshing || this.#offerOpen) return;
    this.#refreshing = true;
    const outcome = await this.#request('UPDATE', [...this.#expiry.refreshHeaders()]);
    this.#refreshing = false;
    if (!this.isUp) return;
    if (typeof outcome === 'object' && outcome.status < 300) this.#expiry.refreshed(outcome);
    else if (outcome === 'gone') this.#over({ status: 408, reason: 'Peer gone', by: 'network' });
  }

  /** `gone`: the far side does not know the dialog any more, or did not answer. */
  async #request(
    method: string,
    headers: readonly (readonly [string, string])[],
  ): Promise<SipResponse | 'gone'> {
    const target = await inDialogTarget(this.#context, this.dialog, this.#options.flow);
    if (target === undefined) return 'gone';
    const outcome = await sendWithCredentials({
      clients: this.#context.clients,
      random: this.#context.random,
      target,
      credentials: this.#options.credentials,
      draft: (authorization): RequestDraft =>
        this.dialog.draft(method, {
          headers: [
            ...(method === 'BYE' ? [] : [['Contact', this.#contact(target)] as const]),
            ...headers,
            ...authorization,
          ],
        }),
    });
    if (outcome.kind === 'failure') return 'gone';
    const { response } = outcome;
    return response.status === 481 || response.status === 408 ? 'gone' : response;
  }

  #contact(target: Target): string {
    return this.#context.contact(this.#options.contactUser, target);
  }

  #respond(
    transaction: ServerTransaction,
    status: number,
    options: ResponseOptions = {},
    reason?: string,
  ): void {
    transaction.respond(
      responseTo(transaction.request, status, reason, {
        toTag: this.dialog.localTag,
        ...(status === 500 || status === 491 ? this.#retryAfter(status) : {}),
        ...options,
      }),
    );
  }

  #retryAfter(status: number): ResponseOptions {
    if (status !== 500) return {};
    const seconds = Math.floor(this.#context.random.fraction() * (MAX_RETRY_AFTER_S + 1));
    return { headers: [['Retry-After', String(seconds)]] };
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
