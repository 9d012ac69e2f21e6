import type { SessionId } from '../core/ids.ts';
import type { AudioFormat, LocalMedia, RemoteMedia, SecurityPolicy } from '../core/media-format.ts';
import { strictest, type OfferedSecurity } from '../core/security-policy.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../core/ports/session-control.ts';
import type {
  AcceptOptions,
  IncomingInvite,
  SessionEnd,
  SipParty,
  StoredDialog,
} from '../core/ports/signalling.ts';
import type { Tone } from '../core/tone.ts';
import { DEFAULT_MAX_FORWARDS } from '../protocols/sip/build.ts';
import { readDecimal } from '../protocols/sip/scan.ts';
import { applicationHeaders, callerOf, partyOf } from './identity-party.ts';
import type { SipTrunk } from './server-options.ts';
import { storedSession } from './server-stored.ts';
import type { InviteServerSession } from './session/invite-server-session.ts';
import { offeredSecurity } from './session/media-negotiation.ts';

export type IncomingOptions = {
  readonly session: InviteServerSession;
  readonly authenticatedUser: string | undefined;
  readonly trunk: SipTrunk | undefined;
  /** What whoever calls has to keep to, whatever the calls want besides. */
  readonly security: SecurityPolicy;
  readonly replaces: SessionId | undefined;
};

/** An INVITE as the calls see it: a session, and who is behind it. */
export class ServerIncomingInvite implements IncomingInvite {
  readonly callId: string;
  readonly from: SipParty;
  readonly to: SipParty;
  readonly authenticatedUser: string | undefined;
  readonly trunk: string | undefined;
  readonly sourceAddress: string;
  readonly sipHeaders: Readonly<Record<string, string>>;
  readonly maxForwards: number;
  readonly replaces: SessionId | undefined;
  readonly #session: InviteServerSession;
  readonly #security: SecurityPolicy;

  constructor(options: IncomingOptions) {
    const { session, trunk } = options;
    const { request, flow } = session;
    this.#session = session;
    this.#security = options.security;
    this.replaces = options.replaces;
    this.callId = request.callId;
    this.from = callerOf(request, trunk !== undefined);
    this.to = partyOf({ uri: request.uri, displayName: request.to.displayName });
    this.authenticatedUser = options.authenticatedUser;
    this.trunk = trunk?.name;
    this.sourceAddress = flow.remote.address;
    this.sipHeaders = applicationHeaders(request);
    this.maxForwards =
      readDecimal(request.headers.get('Max-Forwards') ?? '', 255) ?? DEFAULT_MAX_FORWARDS;
    session.alternativeSources = [flow.remote.address, ...(trunk?.mediaAddresses ?? [])];
  }

  get sessionId(): SessionId {
    return this.#session.sessionId;
  }

  get offeredFormats(): readonly AudioFormat[] | undefined {
    return this.#session.offeredFormats;
  }

  get offeredSecurity(): OfferedSecurity | undefined {
    return offeredSecurity(this.#session.request.body);
  }

  get onEnd(): (end: SessionEnd) => void {
    return this.#session.onEnd;
  }

  set onEnd(handler: (end: SessionEnd) => void) {
    this.#session.onEnd = handler;
  }

  get onMediaChange(): (remote: RemoteMedia) => void {
    return this.#session.onMediaChange;
  }

  set onMediaChange(handler: (remote: RemoteMedia) => void) {
    this.#session.onMediaChange = handler;
  }

  get onRefer(): (refer: IncomingRefer) => void {
    return this.#session.onRefer;
  }

  set onRefer(handler: (refer: IncomingRefer) => void) {
    this.#session.onRefer = handler;
  }

  get onTone(): (tone: Tone, durationMs: number) => void {
    return this.#session.onTone;
  }

  set onTone(handler: (tone: Tone, durationMs: number) => void) {
    this.#session.onTone = handler;
  }

  stored(): StoredDialog | undefined {
    const record = this.#session.record();
    if (record === undefined) return undefined;
    return storedSession(record, this.#session.flow, this.#session.request.uri.user, this.trunk);
  }

  ring(headers?: Readonly<Record<string, string>>): void {
    this.#session.ring(headers);
  }

  accept(media: LocalMedia, options?: AcceptOptions): Promise<RemoteMedia> {
    const security = strictest(this.#security, media.security);
    return this.#session.accept({ ...media, security }, options);
  }

  end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    return this.#session.end(end);
  }

  reoffer(media: LocalMedia): Promise<RemoteMedia> {
    return this.#session.reoffer(media);
  }

  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome> {
    return this.#session.refer(target, timeoutMs);
  }
}
