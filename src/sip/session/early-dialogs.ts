import type { SessionId } from '../../core/ids.ts';
import type { RemoteMedia } from '../../core/media-format.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { formatRAck, parseRSeq } from '../../protocols/sip/rack.ts';
import { Dialog } from '../dialog.ts';
import type { Credentials } from '../digest-client.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Target } from '../transport/flow.ts';
import { ACCEPT_HEADER, ALLOW, CAPABILITY_HEADERS, SDP_TYPE, isSdp } from './capabilities.ts';
import { DialogMessages } from './dialog-messages.ts';
import type { MediaNegotiation } from './media-negotiation.ts';
import { listOf } from './option-tags.ts';
import type { DialogUser, SipContext } from './sip-context.ts';

export type EarlyDialogsOptions = {
  readonly context: SipContext;
  readonly sessionId: SessionId;
  readonly media: MediaNegotiation;
  readonly credentials: Credentials | undefined;
  readonly contactUser: string;
};

/** Proxies may fork an INVITE; more answers than this are not a phone call. */
export const MAX_FORKS = 16;
/** The next reliable response waits for the PRACK of the one before it (RFC 3262 §3); a few need not. */
const MAX_OPEN_PRACKS = 4;

/** What the provisional responses to one INVITE of ours have said, by To tag (RFC 3261 §12, RFC 3262 §4). */
export class EarlyDialogs {
  readonly #options: EarlyDialogsOptions;
  readonly #dialogs = new Map<string, EarlyDialog>();

  constructor(options: EarlyDialogsOptions) {
    this.#options = options;
  }

  /** `false`: a repetition, or out of order; it is as if it had not come. */
  receive(request: SipRequest, response: SipResponse, flow: Target): boolean {
    const tag = response.to.parameters.get('tag');
    const isReliable = listOf(response.headers, 'Require').includes('100rel');
    const rseq = isReliable ? parseRSeq(response.headers.get('RSeq') ?? '') : undefined;
    if (tag === undefined) return true;
    let early = this.#dialogs.get(tag);
    if (early === undefined) {
      const dialog = Dialog.ofResponse(request, response);
      if (dialog === undefined || this.#dialogs.size >= MAX_FORKS) return true;
      early = new EarlyDialog(this.#options, dialog, flow);
      this.#dialogs.set(tag, early);
    }
    if (rseq !== undefined) return early.receiveReliable(response, rseq);
    early.receiveUnreliable(response);
    return true;
  }

  /** The dialog of this 2xx, and what is agreed; `undefined` when the response makes no dialog. */
  confirm(
    request: SipRequest,
    response: SipResponse,
  ): { readonly dialog: Dialog; readonly readAnswer: () => RemoteMedia | undefined } | undefined {
    const early = this.#dialogs.get(response.to.parameters.get('tag') ?? '');
    const dialog = early?.dialog ?? Dialog.ofResponse(request, response);
    if (dialog === undefined || !dialog.confirm(response)) return undefined;
    return {
      dialog,
      readAnswer: () => {
        if (early?.agreed !== undefined) return early.agreed;
        const hasBody = response.body.byteLength > 0 && isSdp(response.headers.get('Content-Type'));
        const body = hasBody ? response.body : early?.unreliableAnswer;
        return body === undefined ? undefined : this.#options.media.readAnswer(body);
      },
    };
  }

  /** Those that were not confirmed are over. Idempotent. */
  close(): void {
    for (const early of this.#dialogs.values()) early.close();
  }
}

class EarlyDialog implements DialogUser {
  readonly sessionId: SessionId;
  readonly stage = 'early';
  readonly dialog: Dialog;
  /** By a reliable response, which counts as the answer (RFC 3261 §13.2.1), or by an UPDATE after it. */
  agreed: RemoteMedia | undefined;
  /** SDP of a response that may have been a preview, for far sides that leave it out of the 200. */
  unreliableAnswer: Uint8Array | undefined;
  readonly #options: EarlyDialogsOptions;
  readonly #messages: DialogMessages;
  #lastRSeq: number | undefined;
  #openPracks = 0;

  constructor(options: EarlyDialogsOptions, dialog: Dialog, flow: Target) {
    this.#options = options;
    this.sessionId = options.sessionId;
    this.dialog = dialog;
    this.#messages = new DialogMessages({ ...options, dialog, flow });
  }

  receiveUnreliable(response: SipResponse): void {
    if (response.body.byteLength > 0) this.unreliableAnswer = response.body;
  }

  receiveReliable(response: SipResponse, rseq: number): boolean {
    if (this.#lastRSeq !== undefined && rseq !== this.#lastRSeq + 1) return false;
    if (this.#openPracks >= MAX_OPEN_PRACKS) return false;
    this.#lastRSeq = rseq;
    this.#options.context.dialogs.set(this.dialog.key, this);
    const hasAnswer = response.body.byteLength > 0 && isSdp(response.headers.get('Content-Type'));
    if (hasAnswer) this.agreed ??= this.#options.media.readAnswer(response.body);
    const rack = { rseq, cseqNumber: response.cseq.number, method: response.cseq.method };
    // A refused PRACK is the far side's to act on: it ends the call or goes on.
    this.#openPracks += 1;
    void this.#messages.send('PRACK', { headers: [['RAck', formatRAck(rack)]] }).finally(() => {
      this.#openPracks -= 1;
    });
    return true;
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const messages = this.#messages;
    if (!this.dialog.accepts(request)) {
      messages.respond(transaction, 500, { headers: [['Retry-After', '1']] });
    } else if (request.method === 'UPDATE') this.#receiveUpdate(transaction);
    else if (request.method === 'OPTIONS') {
      messages.respond(transaction, 200, { headers: [...CAPABILITY_HEADERS, ACCEPT_HEADER] });
    } else messages.respond(transaction, 405, { headers: [['Allow', ALLOW]] });
  }

  /** No 2xx has come: nothing of ours is acknowledged here. */
  receiveAck(): void {
    return undefined;
  }

  close(): void {
    const { dialogs } = this.#options.context;
    if (dialogs.get(this.dialog.key) === this) dialogs.delete(this.dialog.key);
  }

  /** RFC 3311 §5.2: while our own offer has no answer, another one has to wait. */
  #receiveUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    const contact = ['Contact', this.#messages.contact(transaction.flow)] as const;
    if (request.body.byteLength === 0) {
      this.dialog.refreshTarget(request);
      this.#messages.respond(transaction, 200, { headers: [contact] });
      return;
    }
    if (this.agreed === undefined) {
      this.#messages.respond(transaction, 500);
      return;
    }
    const answer = isSdp(request.headers.get('Content-Type'))
      ? this.#options.media.answer(request.body)
      : 'unsupported';
    if (answer === 'malformed' || answer === 'unsupported') {
      this.#messages.respond(transaction, 488);
      return;
    }
    this.dialog.refreshTarget(request);
    this.agreed = answer.remote;
    this.#messages.respond(transaction, 200, {
      headers: [contact],
      body: answer.body,
      contentType: SDP_TYPE,
    });
  }
}
