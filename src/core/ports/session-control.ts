import type { SessionId } from '../ids.ts';
import type { LocalMedia, RemoteMedia } from '../media-format.ts';
import type { Tone } from '../tone.ts';

/** Where a REFER sends its receiver. */
export type ReferTarget = {
  /** A request URI. */
  readonly uri: string;
  /** Headers of the INVITE to come, written into the URI (RFC 3261 §19.1.1). */
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes into `Referred-By`. */
  readonly referredBy?: string;
};

/** How the call that a REFER asked for went, by the last NOTIFY or the answer to the REFER. */
export type ReferOutcome = {
  readonly status: number;
  readonly reason: string;
  /** The answer to the REFER itself: nobody was called. Default false. */
  readonly isRefused?: boolean;
};

/** A phone asks to be connected elsewhere (RFC 3515). Exactly one of `accept` and `refuse` is to be called. */
export type IncomingRefer = {
  /** User part of the URI in Refer-To, decoded: whom the phone wants, as it would have dialled. */
  readonly user: string;
  readonly host: string;
  /** The whole URI without its headers. */
  readonly uri: string;
  /** The session of ours that is to be replaced (RFC 3891), for an attended transfer. */
  readonly replaces: SessionId | undefined;
  /** 202, and a NOTIFY of 100 at once. Further progress and the end go to the phone by NOTIFY: a final status ends it. */
  accept(): { notify(status: number, reason: string): void };
  refuse(status: number, reason: string): void;
};

/** What can be done within a dialog that is up. */
export interface SessionControl {
  /**
   * A re-INVITE with new media of ours (another address, say). Resolves with the agreement. Rejects with
   * `destination-refused` or `destination-unreachable`; the session goes on as it was then, as far as it can.
   */
  reoffer(media: LocalMedia): Promise<RemoteMedia>;
  /**
   * Asks the far side to call somebody else. Resolves with the outcome: a status of 300 and above says that
   * it did not come about. Never rejects; 408 after `timeoutMs` without one.
   */
  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome>;
  /** Default: refused with 603. */
  onRefer: (refer: IncomingRefer) => void;
  /** A key by SIP INFO (`application/dtmf-relay`, `application/dtmf`); it is answered already. */
  onTone: (tone: Tone, durationMs: number) => void;
}
