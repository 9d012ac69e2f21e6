import type { SessionId } from '../ids.ts';
import type { OfferedSecurity } from '../security-policy.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../media-format.ts';
import type { SessionControl } from './session-control.ts';

/** Who is at the far end of a SIP dialog, as far as the messages say. */
export type SipParty = {
  /** User part of the URI, decoded: `+15550100`, `alice`. Empty if there is none. */
  readonly user: string;
  readonly host: string;
  readonly displayName: string;
};

/** Why a session ended or was refused, in SIP's words. */
export type SessionEnd = {
  /** SIP status that fits: 200 for an ordinary BYE, 486, 480, 487, 408 … */
  readonly status: number;
  readonly reason: string;
  readonly by: 'local' | 'remote' | 'network';
  /** Of a refusal: when the far side may be asked again, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
};

/** Everything that is needed to end a dialog after a restart: plain JSON. */
export type StoredDialog = Readonly<Record<string, unknown>>;

/** A dialog that is up or on its way. Handlers are called from the event loop, never from within a method. */
export interface SignallingSession extends SessionControl {
  readonly sessionId: SessionId;
  /** The dialog as it stands; `undefined` before it is established. */
  stored(): StoredDialog | undefined;
  /** BYE, CANCEL or a final refusal, whatever fits. Idempotent; resolves when the far side answered or cannot. */
  end(end: { readonly status: number; readonly reason: string }): Promise<void>;
  /** Called once when the session is over, whoever ended it; also for refused and cancelled ones. */
  onEnd: (end: SessionEnd) => void;
  /** A re-INVITE or UPDATE changed the far side's media; it is answered already. */
  onMediaChange: (remote: RemoteMedia) => void;
}

export type AcceptOptions = {
  /** Go with the 200. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Called with the agreement and awaited before the 200 is sent, as the far side sends media once
   * it has read that; with a late offer, after the ACK. If it rejects so does `accept`, and the
   * session is left as it is.
   */
  readonly onAgreed?: (remote: RemoteMedia) => Promise<void>;
};

/** An INVITE that wants an answer. */
export interface IncomingInvite extends SignallingSession {
  readonly callId: string;
  readonly from: SipParty;
  /** The called party, from the request URI. */
  readonly to: SipParty;
  /** Name of the configured user as which the caller authenticated. */
  readonly authenticatedUser: string | undefined;
  /** Name of the trunk whose addresses hold the source. */
  readonly trunk: string | undefined;
  readonly sourceAddress: string;
  /** Headers whose names begin with `X-`, and `User-To-User`. */
  readonly sipHeaders: Readonly<Record<string, string>>;
  /** What the caller can do, in its order; `undefined` for an INVITE without an offer. */
  readonly offeredFormats: readonly AudioFormat[] | undefined;
  /** How many more servers the call may go through, 0 to 255. Default 70. */
  readonly maxForwards?: number;
  /** Which media lines the offer has that could be taken; `undefined` for an INVITE without an offer. */
  readonly offeredSecurity?: OfferedSecurity | undefined;
  /** The session, up by now, whose place the caller asks for (RFC 3891). Default none. */
  readonly replaces?: SessionId | undefined;
  /** 180 with the given headers; may be repeated. */
  ring(headers?: Readonly<Record<string, string>>): void;
  /**
   * 200 with the first of `media.formats` that the offer has. Resolves with the agreement, after
   * the ACK's answer for a late offer; rejects (and has ended the session) when there is none.
   */
  accept(media: LocalMedia, options?: AcceptOptions): Promise<RemoteMedia>;
}

export type OutboundInvite = {
  /** A request URI as `contactsOf` or `trunkUri` gives it, or one from an `unknown` identifier. */
  readonly uri: string;
  /** Trunk through which it goes, for its credentials and trusted media addresses. */
  readonly trunk?: string;
  readonly from: SipParty;
  readonly media: LocalMedia;
  readonly headers?: Readonly<Record<string, string>>;
  /** How many servers it may go through, 0 to 255. Default 70. */
  readonly maxForwards?: number;
  /** Given up, with 408 by `network`, when nothing at all has come by then. Default: as the transport has it, 32 s. */
  readonly answerWithinMs?: number;
};

/** An INVITE of ours. */
export interface OutgoingInvite extends SignallingSession {
  /** Provisional answers above 100. */
  onProgress: (status: number) => void;
  /** Called once with the agreement when the far side accepts. */
  onAccept: (remote: RemoteMedia) => void;
}

/** SIP as the calls see it. */
export interface SignallingPort {
  invite(request: OutboundInvite): OutgoingInvite;
  /** Request URIs of the phones registered as this user or number, newest first; empty if none. */
  contactsOf(user: string): readonly string[];
  /** Sends BYE from a dialog that an earlier process held. Resolves when answered or timed out. */
  endStored(dialog: StoredDialog): Promise<void>;
  /** Set once at start; called for every INVITE that passed authentication and limits. */
  onInvite: (invite: IncomingInvite) => void;
}
