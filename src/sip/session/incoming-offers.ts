import type { RemoteMedia } from '../../core/media-format.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import { responseTo, type HeaderList } from '../../protocols/sip/build.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { AcceptedResponse } from './accepted-response.ts';
import { ACCEPT_HEADER, CAPABILITY_HEADERS, SDP_TYPE, isSdp } from './capabilities.ts';
import type { DialogMessages } from './dialog-messages.ts';
import type { MediaNegotiation } from './media-negotiation.ts';
import { isIntervalTooShort, MIN_SE_HEADER, type SessionExpiry } from './session-expiry.ts';

export type IncomingOffersOptions = {
  readonly messages: DialogMessages;
  /** `undefined`: a dialog that is only to be ended; offers are refused. */
  readonly media: MediaNegotiation | undefined;
  readonly expiry: SessionExpiry;
  /** Whether an offer of ours is under way, so that another one is glare. */
  readonly isOffering: () => boolean;
  readonly onMediaChange: (remote: RemoteMedia) => void;
  /** The dialog cannot go on. */
  readonly onFailure: (end: SessionEnd) => void;
};

/** Offers of the far side within a dialog: INVITE with its ACK, and UPDATE (RFC 3311). */
export class IncomingOffers {
  readonly #options: IncomingOffersOptions;
  #accepted: AcceptedResponse | undefined;
  /** An offer of ours in a 2xx, which its ACK will answer. */
  #offerOpen = false;

  constructor(options: IncomingOffersOptions) {
    this.#options = options;
  }

  /** Resolves when no 2xx of ours waits for its ACK. */
  settled(): Promise<void> {
    return this.#accepted?.settled() ?? Promise.resolve();
  }

  receiveAck(cseqNumber: number, body: Uint8Array): void {
    this.#accepted?.receiveAck(cseqNumber, body);
  }

  /**
   * Sends a 2xx to an INVITE and repeats it until the ACK. With `body` as an offer `onAnswer` gets
   * the body of the ACK. Without an ACK the dialog is ended (RFC 3261 §13.3.1.4).
   */
  accept(
    transaction: ServerTransaction,
    options: {
      readonly headers?: HeaderList;
      readonly body: Uint8Array;
      readonly onAnswer?: (body: Uint8Array) => void;
    },
  ): void {
    const { messages, expiry, onFailure } = this.#options;
    // A new INVITE of the far side proves that the 2xx before it has come.
    this.#accepted?.stop();
    const response = responseTo(transaction.request, 200, undefined, {
      toTag: messages.dialog.localTag,
      headers: [
        ['Contact', messages.contact(transaction.flow)],
        ...CAPABILITY_HEADERS,
        ...(options.headers ?? []),
        ...expiry.answer(transaction.request),
      ],
      body: options.body,
      contentType: SDP_TYPE,
    });
    const { onAnswer } = options;
    this.#offerOpen = onAnswer !== undefined;
    this.#accepted = new AcceptedResponse({
      clock: messages.context.clock,
      cseqNumber: transaction.request.cseq.number,
      send: () => {
        transaction.respond(response);
      },
      onAck: (body) => {
        this.#offerOpen = false;
        onAnswer?.(body);
      },
      onNoAck: () => {
        onFailure({ status: 408, reason: 'No ACK', by: 'network' });
      },
    });
  }

  receiveInvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { media, messages, onMediaChange, onFailure } = this.#options;
    if (media === undefined) {
      messages.respond(transaction, 488);
      return;
    }
    if (this.#isGlare()) {
      messages.respond(transaction, 491);
      return;
    }
    if (isIntervalTooShort(request)) {
      messages.respond(transaction, 422, { headers: [MIN_SE_HEADER] });
      return;
    }
    if (request.body.byteLength === 0) {
      messages.dialog.refreshTarget(request);
      this.accept(transaction, {
        body: media.offer(),
        onAnswer: (body) => {
          const remote = media.readAnswer(body);
          if (remote !== undefined) onMediaChange(remote);
          else onFailure({ status: 488, reason: 'No usable answer', by: 'local' });
        },
      });
      return;
    }
    const answer = this.#answerTo(transaction);
    if (answer === undefined) return;
    messages.dialog.refreshTarget(request);
    this.accept(transaction, { body: answer.body });
    onMediaChange(answer.remote);
  }

  /** RFC 3311. */
  receiveUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { messages, expiry, onMediaChange } = this.#options;
    let answer: Answer | undefined;
    if (isIntervalTooShort(request)) {
      messages.respond(transaction, 422, { headers: [MIN_SE_HEADER] });
      return;
    }
    if (request.body.byteLength > 0) {
      if (this.#isGlare()) {
        messages.respond(transaction, 491);
        return;
      }
      answer = this.#answerTo(transaction);
      if (answer === undefined) return;
    }
    messages.dialog.refreshTarget(request);
    messages.respond(transaction, 200, {
      headers: [
        ['Contact', messages.contact(transaction.flow)],
        ...CAPABILITY_HEADERS,
        ...expiry.answer(request),
      ],
      ...(answer === undefined ? {} : { body: answer.body, contentType: SDP_TYPE }),
    });
    if (answer !== undefined) onMediaChange(answer.remote);
  }

  /** Nobody waits for an ACK any more. Idempotent. */
  stop(): void {
    this.#accepted?.stop();
  }

  /** RFC 3261 §14.2, RFC 3311 §5.2. */
  #isGlare(): boolean {
    return this.#offerOpen || this.#options.isOffering();
  }

  /** The answer to the offer in the request; refuses the request when there is none. */
  #answerTo(transaction: ServerTransaction): Answer | undefined {
    const { request } = transaction;
    const { messages, media } = this.#options;
    if (!isSdp(request.headers.get('Content-Type'))) {
      messages.respond(transaction, 415, { headers: [ACCEPT_HEADER] });
      return undefined;
    }
    const answer = media?.answer(request.body) ?? 'unsupported';
    if (answer === 'malformed') messages.respond(transaction, 400, {}, 'Bad Request (SDP)');
    else if (answer === 'unsupported') messages.respond(transaction, 488);
    else return answer;
    return undefined;
  }
}

type Answer = { readonly body: Uint8Array; readonly remote: RemoteMedia };
