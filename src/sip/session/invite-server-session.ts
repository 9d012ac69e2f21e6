import { TapedeckError } from '../../core/error.ts';
import type { SessionId } from '../../core/ids.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import type { AcceptOptions, SessionEnd } from '../../core/ports/signalling.ts';
import type { Tone } from '../../core/tone.ts';
import { responseTo, type HeaderList } from '../../protocols/sip/build.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import type { Dialog } from '../dialog.ts';
import { type DialogRecord } from '../dialog.ts';
import type { Credentials } from '../digest-client.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Flow } from '../transport/flow.ts';
import { ALLOW } from './capabilities.ts';
import { DialogSession } from './dialog-session.ts';
import { MediaNegotiation } from './media-negotiation.ts';
import { Ringing } from './ringing.ts';
import { NOT_UP, refuseRefer } from './session-defaults.ts';
import type { DialogUser, SipContext } from './sip-context.ts';

export type InviteServerSessionOptions = {
  readonly context: SipContext;
  readonly transaction: ServerTransaction;
  /** Early, with our tag. */
  readonly dialog: Dialog;
  /** `undefined`: the INVITE has no body, the offer will be ours. */
  readonly offeredFormats: readonly AudioFormat[] | undefined;
};

type Extras = Readonly<Record<string, string>>;

/** An INVITE that was received, from its first moment to the BYE (RFC 3261 §13.3). */
export class InviteServerSession implements DialogUser {
  readonly sessionId: SessionId;
  /** Its 2xx puts a session of its own in its place. */
  readonly stage = 'early';
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly offeredFormats: readonly AudioFormat[] | undefined;
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  onRefer: (refer: IncomingRefer) => void = refuseRefer;
  onTone: (tone: Tone, durationMs: number) => void = () => undefined;
  /** Who we are when requests of ours in the dialog are challenged. */
  credentials: Credentials | undefined;
  /** Addresses from where media may come besides the SDP's; goes into every `RemoteMedia`. */
  alternativeSources: readonly string[];
  readonly #context: SipContext;
  readonly #transaction: ServerTransaction;
  readonly #dialog: Dialog;
  #session: DialogSession | undefined;
  readonly #ringing: Ringing;
  #over = false;
  #accepting = false;
  #answered: () => void = () => undefined;
  #rejectAccept: ((error: Error) => void) | undefined;

  constructor(options: InviteServerSessionOptions) {
    const { context, transaction, dialog } = options;
    this.#context = context;
    this.#transaction = transaction;
    this.#dialog = dialog;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.offeredFormats = options.offeredFormats;
    this.sessionId = context.random.hex(8) as SessionId;
    this.alternativeSources = [transaction.flow.remote.address];
    this.#ringing = new Ringing({
      context,
      transaction,
      toTag: dialog.localTag,
      contact: this.#contact(),
      onNoPrack: () => {
        this.#refuse(504, 'No PRACK', 'network');
      },
    });
    context.dialogs.set(dialog.key, this);
  }

  /** 180 with the given headers; a later one replaces it. Repeated while it rings. */
  ring(headers: Extras = {}): void {
    if (!this.#isAnswered()) this.#ringing.ring(headers);
  }

  /**
   * 200 with an answer, or with an offer if the INVITE had none. Resolves with the agreement;
   * rejects, and has ended the session, when there is none.
   */
  async accept(media: LocalMedia, options: AcceptOptions = {}): Promise<RemoteMedia> {
    if (this.#isAnswered() || this.#accepting) throw callEnded();
    const negotiation = new MediaNegotiation({
      local: media,
      address: this.#context.mediaAddress(media.rtp.address, this.flow),
      sessionId: sdpSessionId(this.#context),
      random: this.#context.random,
      alternativeSources: this.alternativeSources,
    });
    const { headers = {}, onAgreed } = options;
    if (this.offeredFormats === undefined) {
      const remote = await this.#acceptLateOffer(negotiation, headers);
      await onAgreed?.(remote);
      return remote;
    }
    const answer = negotiation.answer(this.request.body);
    if (answer === 'malformed' || answer === 'unsupported') {
      this.#refuse(488, 'Not Acceptable Here', 'local');
      throw noAgreement();
    }
    if (onAgreed !== undefined) await this.#prepare(() => onAgreed(answer.remote));
    this.#establish(negotiation).incoming.accept(this.#transaction, {
      headers: Object.entries(headers),
      body: answer.body,
    });
    return answer.remote;
  }

  /** A final refusal before the 200, BYE after it. Idempotent; resolves when it is over. */
  async end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.#session !== undefined) {
      await this.#session.end({ ...end, by: 'local' });
      return;
    }
    if (!this.#over) this.#refuse(end.status >= 300 ? end.status : 480, end.reason, 'local');
  }

  /** As `SessionControl` says. */
  reoffer(media: LocalMedia): Promise<RemoteMedia> {
    return this.#session?.reoffer(media) ?? Promise.reject(callEnded());
  }

  /** As `SessionControl` says. */
  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome> {
    return this.#session?.refer(target, timeoutMs) ?? Promise.resolve(NOT_UP);
  }

  /** A refusal with headers of its own, such as a challenge. */
  reject(status: number, headers: HeaderList, reason?: string): void {
    this.#refuse(status, reason, 'local', headers);
  }

  /** Calls back once, when the INVITE has its final response. */
  whenAnswered(answered: () => void): void {
    this.#answered = answered;
  }

  /** The dialog as it stands; `undefined` before it is established. */
  record(): DialogRecord | undefined {
    return this.#session?.record();
  }

  /** The INVITE was cancelled (RFC 3261 §9.2). */
  cancel(): void {
    if (!this.#isAnswered()) this.#refuse(487, undefined, 'remote');
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const respond = (status: number, headers: HeaderList = []): void => {
      transaction.respond(
        responseTo(request, status, undefined, { toTag: this.#dialog.localTag, headers }),
      );
    };
    if (!this.#dialog.accepts(request)) respond(500, [['Retry-After', '1']]);
    else if (request.method === 'PRACK') respond(this.#ringing.receivePrack(request) ? 200 : 481);
    else if (request.method === 'BYE') {
      // A caller may end an early dialog so (RFC 3261 §15).
      respond(200);
      this.cancel();
    } else if (request.method === 'INVITE') respond(500, [['Retry-After', '5']]);
    else if (request.method === 'UPDATE') {
      // Its INVITE's offer is not answered yet (RFC 3311 §5.2).
      if (request.body.byteLength > 0) respond(500, [['Retry-After', '5']]);
      else respond(200, [this.#contact()]);
    } else if (request.method === 'OPTIONS') respond(200, [['Allow', ALLOW]]);
    else respond(405, [['Allow', ALLOW]]);
  }

  /** No 2xx is sent yet: nothing to acknowledge. */
  receiveAck(): void {
    return undefined;
  }

  /** What has to be done before the 200; the caller may be gone after that. */
  async #prepare(prepare: () => Promise<void>): Promise<void> {
    this.#accepting = true;
    try {
      await prepare();
    } finally {
      this.#accepting = false;
    }
    if (this.#isAnswered()) throw callEnded();
  }

  #acceptLateOffer(negotiation: MediaNegotiation, headers: Extras): Promise<RemoteMedia> {
    return new Promise((resolve, reject) => {
      const session = this.#establish(negotiation);
      this.#rejectAccept = reject;
      session.incoming.accept(this.#transaction, {
        headers: Object.entries(headers),
        body: negotiation.offer(),
        onAnswer: (body) => {
          this.#rejectAccept = undefined;
          const remote = negotiation.readAnswer(body);
          if (remote !== undefined) {
            resolve(remote);
            return;
          }
          reject(noAgreement());
          void session.end({ status: 488, reason: 'No usable answer', by: 'local' });
        },
      });
    });
  }

  #establish(media: MediaNegotiation): DialogSession {
    this.#ringing.stop();
    this.#answered();
    this.#session = new DialogSession({
      context: this.#context,
      dialog: this.#dialog,
      media,
      flow: this.flow,
      credentials: this.credentials,
      contactUser: this.request.uri.user,
      sessionId: this.sessionId,
      ownsCallId: false,
      isPrackKnown: (prack) => this.#ringing.receivePrack(prack),
      handlers: {
        onEnd: (end) => {
          this.#finish(end);
        },
        onMediaChange: (remote) => {
          this.onMediaChange(remote);
        },
        onRefer: (refer) => {
          this.onRefer(refer);
        },
        onTone: (tone, durationMs) => {
          this.onTone(tone, durationMs);
        },
      },
    });
    this.#session.learn(this.request);
    return this.#session;
  }

  #refuse(
    status: number,
    reason: string | undefined,
    by: SessionEnd['by'],
    headers: HeaderList = [],
  ): void {
    if (this.#isAnswered()) return;
    this.#ringing.stop();
    const toTag = this.#dialog.localTag;
    const response = responseTo(this.request, status, reason, { toTag, headers });
    this.#transaction.respond(response);
    this.#context.dialogs.delete(this.#dialog.key);
    this.#over = true;
    this.#answered();
    queueMicrotask(() => {
      this.onEnd({ status, reason: response.reason, by });
    });
  }

  #finish(end: SessionEnd): void {
    this.#over = true;
    this.#rejectAccept?.(callEnded());
    this.#rejectAccept = undefined;
    this.onEnd(end);
  }

  #isAnswered(): boolean {
    return this.#over || this.#session !== undefined;
  }

  #contact(): readonly [string, string] {
    return ['Contact', this.#context.contact(this.request.uri.user, this.flow)];
  }
}

/** Decimal, random, and small enough for every reader (RFC 8866 §5.2). */
export function sdpSessionId(context: SipContext): string {
  return String(Math.floor(context.random.fraction() * 2 ** 48));
}

function callEnded(): TapedeckError {
  return new TapedeckError('call-ended', 'the caller is gone, or the call is answered already');
}

function noAgreement(): TapedeckError {
  return new TapedeckError('destination-refused', 'no audio format in common with the caller');
}
