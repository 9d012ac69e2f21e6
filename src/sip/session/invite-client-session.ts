import { TapedeckError } from '../../core/error.ts';
import type { SessionId } from '../../core/ids.ts';
import type { LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { Timer } from '../../core/ports/clock.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { Tone } from '../../core/tone.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { parseRetryAfter } from '../../protocols/sip/retry-after.ts';
import type { SipUri } from '../../protocols/sip/uri.ts';
import type { Dialog, DialogRecord } from '../dialog.ts';
import { ChallengeAnswers, type Credentials, type ExtraHeaders } from '../digest-client.ts';
import { statusOfFailure } from '../transaction/client-outcome.ts';
import type { ClientTransaction, RequestTarget } from '../transaction/client-transactions.ts';
import { TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';
import type { Target } from '../transport/flow.ts';
import { EarlyDialogs, MAX_FORKS } from './early-dialogs.ts';
import { DialogSession, reasonHeader } from './dialog-session.ts';
import { inDialogTarget } from './in-dialog-target.ts';
import { InviteDrafts, type Caller } from './invite-draft.ts';
import { sdpSessionId } from './invite-server-session.ts';
import { MediaNegotiation } from './media-negotiation.ts';
import { NOT_UP, refuseRefer } from './session-defaults.ts';
import type { SipContext } from './sip-context.ts';

export type InviteClientOptions = {
  /** Request URI. */
  readonly uri: SipUri;
  readonly from: Caller;
  readonly media: LocalMedia;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly credentials?: Credentials | undefined;
  /** Where the INVITE goes instead of where its URI points: a registered phone's connection. */
  readonly flow?: RequestTarget | undefined;
  /** Default 70. */
  readonly maxForwards?: number | undefined;
  /** Given up when not even a provisional response has come by then. Default: timer B of the transaction. */
  readonly answerWithinMs?: number | undefined;
  /** Addresses from where media may come besides the SDP's and the signalling peer's. */
  readonly mediaAddresses?: readonly string[] | undefined;
};

/** An INVITE of ours, from its first moment to the BYE (RFC 3261 §13.2). */
export class InviteClientSession {
  readonly sessionId: SessionId;
  /** Provisional answers above 100. */
  onProgress: (status: number) => void = () => undefined;
  /** Called once with the agreement when the far side accepts. */
  onAccept: (remote: RemoteMedia) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  onRefer: (refer: IncomingRefer) => void = refuseRefer;
  onTone: (tone: Tone, durationMs: number) => void = () => undefined;
  onEnd: (end: SessionEnd) => void = () => undefined;
  readonly #context: SipContext;
  readonly #options: InviteClientOptions;
  readonly #answers: ChallengeAnswers;
  readonly #drafts: InviteDrafts;
  #target: RequestTarget | undefined;
  #negotiation: MediaNegotiation | undefined;
  #offer: Uint8Array = new Uint8Array(0);
  #transaction: ClientTransaction | undefined;
  #provisional = false;
  #early: EarlyDialogs | undefined;
  #session: DialogSession | undefined;
  readonly #acknowledgements = new Map<string, () => void>();
  #ending: { readonly status: number; readonly reason: string } | undefined;
  #cancelled = false;
  #cancelTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;
  #over = false;
  readonly #waiting: (() => void)[] = [];

  /** Sends the INVITE once the way is known. */
  constructor(context: SipContext, options: InviteClientOptions) {
    this.#context = context;
    this.#options = options;
    this.#answers = new ChallengeAnswers(options.credentials, context.random);
    this.sessionId = context.random.hex(8) as SessionId;
    const { uri, from, headers = {}, maxForwards } = options;
    this.#drafts = new InviteDrafts({ context, uri, from, headers, maxForwards });
    void this.#begin();
  }

  get callId(): string {
    return this.#drafts.callId;
  }

  /** Where the INVITE went last; `undefined` before it is sent. */
  get target(): Target | undefined {
    return this.#transaction?.target;
  }

  /** The dialog as it stands; `undefined` before it is established. */
  record(): DialogRecord | undefined {
    return this.#session?.record();
  }

  /** CANCEL before the answer, BYE after it. Idempotent; resolves when the far side answered or cannot. */
  async end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.#session !== undefined) {
      await this.#session.end({ ...end, by: 'local' });
      return;
    }
    if (this.#over) return;
    const finished = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    if (this.#ending === undefined) {
      this.#ending = end;
      if (this.#transaction === undefined) {
        queueMicrotask(() => {
          this.#finish({ status: 487, reason: end.reason, by: 'local' });
        });
      } else this.#cancel();
    }
    await finished;
  }

  /** As `SessionControl` says. */
  reoffer(media: LocalMedia): Promise<RemoteMedia> {
    return (
      this.#session?.reoffer(media) ??
      Promise.reject(new TapedeckError('destination-refused', 'the call is not up'))
    );
  }

  /** As `SessionControl` says. */
  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome> {
    return this.#session?.refer(target, timeoutMs) ?? Promise.resolve(NOT_UP);
  }

  async #begin(): Promise<void> {
    this.#limitSilence();
    const target = this.#options.flow ?? (await this.#context.locate(this.#options.uri));
    if (this.#over || this.#ending !== undefined) return;
    if (target === undefined) {
      this.#finish({ status: 503, reason: 'No way to the destination', by: 'network' });
      return;
    }
    this.#target = target;
    const { media, mediaAddresses } = this.#options;
    this.#negotiation = new MediaNegotiation({
      local: media,
      address: this.#context.mediaAddress(media.rtp.address, target),
      sessionId: sdpSessionId(this.#context),
      random: this.#context.random,
      alternativeSources: [target.remote.address, ...(mediaAddresses ?? [])],
    });
    this.#offer = this.#negotiation.offer();
    this.#invite(target, []);
  }

  /** Whoever answers after that all the same is cancelled, or hung up on. */
  #limitSilence(): void {
    const { answerWithinMs } = this.#options;
    if (answerWithinMs === undefined) return;
    this.#silenceTimer = this.#context.clock.setTimer(answerWithinMs, () => {
      if (this.#ending !== undefined) return;
      this.#ending = { status: 408, reason: 'No answer' };
      this.#finish({ status: 408, reason: 'No answer', by: 'network' });
    });
  }

  #invite(target: RequestTarget, authorization: ExtraHeaders): void {
    this.#provisional = false;
    const { credentials, from } = this.#options;
    this.#early?.close();
    if (this.#negotiation !== undefined) {
      this.#early = new EarlyDialogs({
        context: this.#context,
        sessionId: this.sessionId,
        media: this.#negotiation,
        credentials,
        contactUser: from.user,
      });
    }
    this.#transaction = this.#context.clients.send(
      this.#drafts.next(target, authorization, this.#offer),
      target,
      {
        onResponse: (response) => {
          this.#receive(response);
        },
        onFailure: (failure) => {
          const status = this.#ending === undefined ? statusOfFailure(failure) : 487;
          const reason = failure === 'timeout' ? 'No answer' : 'Destination unreachable';
          this.#finish({ status, reason, by: this.#ending === undefined ? 'network' : 'local' });
        },
      },
    );
  }

  #receive(response: SipResponse): void {
    const request = this.#transaction?.request;
    if (request === undefined) return;
    this.#silenceTimer?.cancel();
    if (response.status < 200) this.#receiveProvisional(request, response);
    else if (response.status < 300) this.#receiveAccept(request, response);
    else this.#receiveRefusal(request, response);
  }

  #receiveProvisional(request: SipRequest, response: SipResponse): void {
    this.#provisional = true;
    if (this.#ending !== undefined) {
      this.#cancel();
      return;
    }
    const flow = this.#transaction?.target;
    const isNew = flow !== undefined && this.#early?.receive(request, response, flow) === true;
    if (isNew && response.status > 100) this.onProgress(response.status);
  }

  #receiveRefusal(request: SipRequest, response: SipResponse): void {
    if (this.#over || this.#session !== undefined) return;
    if (this.#ending === undefined && this.#target !== undefined) {
      const isRaised = response.status === 422 && this.#drafts.raise(response);
      const again = isRaised ? this.#answers.headers() : this.#answers.answer(request, response);
      if (again !== undefined) {
        this.#invite(this.#target, again);
        return;
      }
    }
    const by = this.#ending === undefined ? 'remote' : 'local';
    const { status, reason, headers } = response;
    const retryAfter = headers.get('Retry-After');
    this.#finish({
      ...{ status, reason, by },
      ...(retryAfter !== undefined && { retryAfterSeconds: parseRetryAfter(retryAfter) }),
    });
  }

  /** Every 2xx is acknowledged, the repeated ones and those of other forks too (§13.2.2.4). */
  #receiveAccept(request: SipRequest, response: SipResponse): void {
    const tag = response.to.parameters.get('tag') ?? '';
    const known = this.#acknowledgements.get(tag);
    if (known !== undefined) {
      known();
      return;
    }
    if (this.#acknowledgements.size >= MAX_FORKS) return;
    // A message that was parsed has readable routes, or it is no dialog of ours.
    const confirmed = this.#early?.confirm(request, response);
    if (confirmed === undefined) {
      if (this.#session === undefined) {
        this.#finish({ status: 502, reason: 'Unusable answer', by: 'remote' });
      }
      return;
    }
    const { dialog, readAnswer } = confirmed;
    this.#acknowledgements.set(tag, () => undefined);
    const wanted = this.#session === undefined && this.#ending === undefined && !this.#over;
    const session = this.#establish(dialog);
    if (wanted) this.#session = session;
    void this.#acknowledge(dialog, request, tag);
    if (!wanted) {
      // Accepted while our CANCEL was on its way, or a second fork (§9.1, §13.2.2.4).
      const end = this.#ending ?? { status: 200, reason: 'Answered elsewhere' };
      this.#cancelTimer?.cancel();
      void session.end({ ...end, by: 'local' }).then(() => {
        if (this.#session === undefined)
          this.#finish({ status: 487, reason: end.reason, by: 'local' });
      });
      return;
    }
    this.#early?.close();
    const remote = readAnswer();
    session.expiry.refreshed(response);
    session.learn(response);
    if (remote === undefined) {
      void session.end({ status: 488, reason: 'No usable answer', by: 'local' });
      return;
    }
    this.onAccept(remote);
  }

  async #acknowledge(dialog: Dialog, request: SipRequest, tag: string): Promise<void> {
    const target = await inDialogTarget(this.#context, dialog, this.#transaction?.target);
    if (target === undefined) return;
    const send = this.#context.clients.acknowledge(
      dialog.draftAck(request.cseq.number, { headers: this.#answers.headers() }),
      target,
    );
    this.#acknowledgements.set(tag, send);
    send();
  }

  #establish(dialog: Dialog): DialogSession {
    const session: DialogSession = new DialogSession({
      context: this.#context,
      dialog,
      media: this.#negotiation,
      flow: this.#transaction?.target,
      credentials: this.#options.credentials,
      contactUser: this.#options.from.user,
      sessionId: this.sessionId,
      ownsCallId: true,
      handlers: {
        onEnd: (end) => {
          if (session === this.#session) this.#finish(end);
        },
        onMediaChange: (remote) => {
          if (session === this.#session) this.onMediaChange(remote);
        },
        onRefer: (refer) => {
          this.onRefer(refer);
        },
        onTone: (tone, durationMs) => {
          this.onTone(tone, durationMs);
        },
      },
    });
    return session;
  }

  /** Only after a provisional response (RFC 3261 §9.1); till then the wish is remembered. */
  #cancel(): void {
    if (this.#cancelled || !this.#provisional || this.#transaction === undefined) return;
    this.#cancelled = true;
    const { status, reason } = this.#ending ?? { status: 487, reason: '' };
    this.#context.clients.cancel(this.#transaction, [['Reason', reasonHeader({ status, reason })]]);
    this.#cancelTimer = this.#context.clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
      this.#finish({ status: 487, reason, by: 'local' });
    });
  }

  #finish(end: SessionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer?.cancel();
    this.#silenceTimer?.cancel();
    this.#early?.close();
    for (const resolve of this.#waiting) resolve();
    this.onEnd(end);
  }
}
