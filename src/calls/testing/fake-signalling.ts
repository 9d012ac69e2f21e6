import { TapedeckError } from '../../core/error.ts';
import type { SessionId } from '../../core/ids.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import type {
  AcceptOptions,
  IncomingInvite,
  OutboundInvite,
  OutgoingInvite,
  SessionEnd,
  SignallingPort,
} from '../../core/ports/signalling.ts';
import type { Tone } from '../../core/tone.ts';
import type { Refusal } from '../result-code.ts';

export const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
export const PCMA: AudioFormat = { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 };

export function remoteMedia(format: AudioFormat = PCMU): RemoteMedia {
  return {
    rtp: { address: '127.0.0.1', port: 4000 },
    rtcp: { address: '127.0.0.1', port: 4001 },
    format,
    auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
    direction: 'sendrecv',
    packetTimeMs: 20,
    alternativeSources: [],
  };
}

let sessions = 0;

/** What both kinds of phones have in common: they are over once, whoever ends them. */
class FakePhone {
  readonly sessionId: SessionId = `session-${(sessions += 1)}` as SessionId;
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  onRefer: (refer: IncomingRefer) => void = (refer) => {
    refer.refuse(603, 'Decline');
  };
  onTone: (tone: Tone, durationMs: number) => void = () => undefined;
  /** Media that we offered after the first agreement; each is agreed on. */
  readonly reoffered: LocalMedia[] = [];
  refusesOffers = false;
  /** What we referred it to. */
  readonly referred: ReferTarget[] = [];
  /** How the calls go that we refer it to. */
  referOutcome: ReferOutcome = { status: 200, reason: 'OK' };
  /** What we ended it with. */
  ended: Refusal | undefined;
  /** Does not answer its BYE. */
  isGone = false;
  #isOver = false;

  /** Ended, by us or by the phone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  reoffer(media: LocalMedia): Promise<RemoteMedia> {
    this.reoffered.push(media);
    if (this.refusesOffers) {
      return Promise.reject(new TapedeckError('destination-refused', '488 Not Acceptable Here'));
    }
    return Promise.resolve(remoteMedia(media.formats[0]));
  }

  refer(target: ReferTarget): Promise<ReferOutcome> {
    this.referred.push(target);
    return Promise.resolve(this.referOutcome);
  }

  end(end: Refusal): Promise<void> {
    if (!this.#isOver) {
      this.ended = end;
      this.#isOver = true;
      // Handlers are never called from within a method.
      queueMicrotask(() => {
        this.onEnd({ ...end, by: 'local' });
      });
    }
    return this.isGone ? new Promise(() => undefined) : Promise.resolve();
  }

  protected leave(end: Omit<SessionEnd, 'by'>, by: SessionEnd['by'] = 'remote'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onEnd({ ...end, by });
  }
}

/** A phone that calls us. */
export class FakeIncoming extends FakePhone implements IncomingInvite {
  readonly callId = 'call-id';
  readonly from: IncomingInvite['from'];
  readonly to: IncomingInvite['to'];
  readonly sourceAddress = '127.0.0.1';
  readonly sipHeaders: Readonly<Record<string, string>> = { 'X-Order': '4719' };
  authenticatedUser: string | undefined;
  trunk: string | undefined;
  replaces: SessionId | undefined;
  offeredFormats: readonly AudioFormat[] | undefined = [PCMU, PCMA];
  readonly rings: Readonly<Record<string, string>>[] = [];
  accepted: LocalMedia | undefined;

  constructor(from: string, to: string) {
    super();
    this.from = { user: from, host: 'phone.test', displayName: '' };
    this.to = { user: to, host: 'tapedeck.test', displayName: '' };
  }

  stored(): Readonly<Record<string, unknown>> {
    return { callId: this.callId };
  }

  ring(headers: Readonly<Record<string, string>> = {}): void {
    this.rings.push(headers);
  }

  async accept(media: LocalMedia, options: AcceptOptions = {}): Promise<RemoteMedia> {
    const remote = remoteMedia(media.formats[0]);
    if (!this.isOver) await options.onAgreed?.(remote);
    if (this.isOver) throw new TapedeckError('call-ended', 'the caller is gone');
    this.accepted = media;
    return remote;
  }

  /** CANCEL before the answer, BYE after it. */
  hangUp(): void {
    this.leave({ status: this.accepted === undefined ? 487 : 200, reason: 'Gone' });
  }
}

/** A phone that we call. */
export class FakeOutgoing extends FakePhone implements OutgoingInvite {
  readonly request: OutboundInvite;
  onProgress: (status: number) => void = () => undefined;
  onAccept: (remote: RemoteMedia) => void = () => undefined;
  isAccepted = false;

  constructor(request: OutboundInvite) {
    super();
    this.request = request;
  }

  stored(): Readonly<Record<string, unknown>> {
    return { uri: this.request.uri };
  }

  accept(format?: AudioFormat): void {
    if (this.isOver || this.isAccepted) return;
    this.isAccepted = true;
    this.onAccept(remoteMedia(format ?? this.request.media.formats[0]));
  }

  refuse(status: number, reason: string, retryAfterSeconds?: number): void {
    this.leave({ status, reason, retryAfterSeconds });
  }

  /** Nobody is reached. */
  fail(status: number, reason: string): void {
    this.leave({ status, reason }, 'network');
  }

  hangUp(): void {
    this.leave({ status: 200, reason: 'OK' });
  }
}

export class FakeSignalling implements SignallingPort {
  readonly placed: FakeOutgoing[] = [];
  readonly endedStored: Readonly<Record<string, unknown>>[] = [];
  readonly contacts: Map<string, readonly string[]> = new Map();
  onInvite: (invite: IncomingInvite) => void = () => undefined;

  invite(request: OutboundInvite): OutgoingInvite {
    const outgoing = new FakeOutgoing(request);
    this.placed.push(outgoing);
    return outgoing;
  }

  contactsOf(user: string): readonly string[] {
    return this.contacts.get(user) ?? [];
  }

  endStored(dialog: Readonly<Record<string, unknown>>): Promise<void> {
    this.endedStored.push(dialog);
    return Promise.resolve();
  }
}
