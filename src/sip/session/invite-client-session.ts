import { TapedeckError } from '../../core/error.ts';
import type { SessionId } from '../../core/ids.ts';
import type { LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { Timer } from '../../core/ports/clock.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { Tone } from '../../core/tone.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import type { NameAddress } from '../../protocols/sip/name-address.ts';
import { withParameter } from '../../protocols/sip/parameters.ts';
import type { SipUri } from '../../protocols/sip/uri.ts';
import { Dialog, type DialogRecord } from '../dialog.ts';
import { ChallengeAnswers, type Credentials, type ExtraHeaders } from '../digest-client.ts';
import { statusOfFailure } from '../transaction/client-outcome.ts';
import type { ClientTransaction, RequestTarget } from '../transaction/client-transactions.ts';
import { TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';
import type { Target } from '../transport/flow.ts';
import { CAPABILITY_HEADERS, SDP_TYPE, isSdp } from './capabilities.ts';
import { DialogSession, reasonHeader } from './dialog-session.ts';
import { inDialogTarget } from './in-dialog-target.ts';
import { sdpSessionId } from './invite-server-session.ts';
import { MediaNegotiation } from './media-negotiation.ts';
import { NOT_UP, refuseRefer } from './session-defaults.ts';
import type { SipContext } from './sip-context.ts';

export type InviteClientOptions = {
  /** Request URI. */
  readonly uri: SipUri;
  /** Who calls, without tag; the host is ours where it is empty. */
  readonly from: { readonly user: string; readonly host: string; readonly displayName: string };
  readonly media: LocalMedia;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly credentials?: Credentials | undefined;
  /** Where the INVITE goes instead of where its URI points: a registered phone's connection. */
  readonly flow?: RequestTarget | undefined;
  /** Addresses from where media may come besides the SDP's and the signalling peer's. */
  readonly mediaAddresses?: readonly string[] | undefined;
};

/** An INVITE of ours, from its first moment to the BYE (RFC 3261 §13.2). */
export class InviteClientSession {
  readonly sessionId: SessionId;
  readonly callId: string;
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
  readonly #localTag: string;
  #cseqNumber = 1;
  #target: RequestTarget | undefined;
  #negotiation: MediaNegotiation | undefined;
  #offer: Uint8Array = new Uint8Array(0);
  #transaction: ClientTransaction | undefined;
  #provisional = false;
  /** SDP of a 18x, by To tag, for far sides that leave it out of the 200. */
  readonly #earlyAnswers = new Map<string, Uint8Array>();
  #session: DialogSession | undefined;
  readonly #acknowledgements = new Map<string, () => void>();
  #ending: { readonly status: number; readonly reason: string } | undefined;
  #cancelled = false;
  #cancelTimer: Timer | undefined;
  #over = false;
  readonly #waiting: (() => void)[] = [];

  /** Sends the INVITE once the way is known. */
  constructor(context: SipContext, options: InviteClientOptions) {
    this.#context = context;
    this.#options = options;
    this.#answers = new ChallengeAnswers(options.credentials, context.random);
    this.sessionId = context.random.hex(8) as SessionId;
    this.callId = context.random.uuid();
    this.#localTag = context.random.hex(8);
    void this.#begin();
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

  #invite(target: RequestTarget, authorization: ExtraHeaders): void {
    this.#provisional = false;
    const { uri, headers } = this.#options;
    this.#transaction = this.#context.clients.send(
      {
        method: 'INVITE',
        uri,
        from: this.#from(target),
        to: { displayName: '', uri, parameters: new Map<string, string>() },
        callId: this.callId,
        cseqNumber: this.#cseqNumber,
        headers: [
          ['Contact', this.#context.contact(this.#options.from.user, target)],
          ...CAPABILITY_HEADERS,
          ...Object.entries(headers ?? {}),
          ...authorization,
        ],
        body: this.#offer,
        contentType: SDP_TYPE,
      },
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

  #from(target: RequestTarget): NameAddress {
    const { user, host, displayName } = this.#options.from;
    return {
      displayName,
      uri: {
        scheme: 'sip',
        user,
        host: host === '' ? this.#context.host(target) : host,
        port: undefined,
        parameters: new Map<string, string>(),
        headers: '',
      },
      parameters: withParameter(new Map<string, string>(), 'tag', this.#localTag),
    };
  }

  #receive(response: SipResponse): void {
    const request = this.#transaction?.request;
    if (request === undefined) return;
    if (response.status < 200) this.#receiveProvisional(response);
    else if (response.status < 300) this.#receiveAccept(request, response);
    else this.#receiveRefusal(request, response);
  }

  #receiveProvisional(response: SipResponse): void {
    this.#provisional = true;
    if (this.#ending !== undefined) {
      this.#cancel();
      return;
    }
    const tag = response.to.parameters.get('tag');
    if (tag !== undefined && response.body.byteLength > 0 && this.#earlyAnswers.size < MAX_FORKS) {
      this.#earlyAnswers.set(tag, response.body);
    }
    if (response.status > 100) this.onProgress(response.status);
  }

  #receiveRefusal(request: SipRequest, response: SipResponse): void {
    if (this.#over || this.#session !== undefined) return;
    const again = this.#ending === undefined ? this.#answers.answer(request, response) : undefined;
    if (again !== undefined && this.#target !== undefined) {
      this.#cseqNumber += 1;
      this.#invite(this.#target, again);
      return;
    }
    const by = this.#ending === undefined ? 'remote' : 'local';
    this.#finish({ status: response.status, reason: response.reason, by });
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
    const dialog = Dialog.ofResponse(request, response);
    if (dialog === undefined) {
      if (this.#session === undefined) {
        this.#finish({ status: 502, reason: 'Unusable answer', by: 'remote' });
      }
      return;
    }
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
    const hasBody = response.body.byteLength > 0 && isSdp(response.headers.get('Content-Type'));
    const answer = hasBody ? response.body : this.#earlyAnswers.get(tag);
    const remote = answer === undefined ? undefined : this.#negotiation?.readAnswer(answer);
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
    for (const resolve of this.#waiting) resolve();
    this.onEnd(end);
  }
}

/** Proxies may fork an INVITE; more answers than this are not a phone call. */
const MAX_FORKS = 16;
