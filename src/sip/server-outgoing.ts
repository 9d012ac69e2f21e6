import type { SessionId } from '../core/ids.ts';
import type { LocalMedia, RemoteMedia } from '../core/media-format.ts';
import type { IncomingRefer, ReferOutcome, ReferTarget } from '../core/ports/session-control.ts';
import type { OutgoingInvite, SessionEnd, StoredDialog } from '../core/ports/signalling.ts';
import type { Tone } from '../core/tone.ts';
import { storedSession } from './server-stored.ts';
import type { InviteClientSession } from './session/invite-client-session.ts';

/** A call of ours as the calls see it. */
export class ServerOutgoingInvite implements OutgoingInvite {
  readonly #session: InviteClientSession;
  readonly #contactUser: string;
  readonly #trunk: string | undefined;

  constructor(session: InviteClientSession, contactUser: string, trunk: string | undefined) {
    this.#session = session;
    this.#contactUser = contactUser;
    this.#trunk = trunk;
  }

  get sessionId(): SessionId {
    return this.#session.sessionId;
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

  get onProgress(): (status: number) => void {
    return this.#session.onProgress;
  }

  set onProgress(handler: (status: number) => void) {
    this.#session.onProgress = handler;
  }

  get onAccept(): (remote: RemoteMedia) => void {
    return this.#session.onAccept;
  }

  set onAccept(handler: (remote: RemoteMedia) => void) {
    this.#session.onAccept = handler;
  }

  stored(): StoredDialog | undefined {
    const record = this.#session.record();
    const target = this.#session.target;
    if (record === undefined || target === undefined) return undefined;
    return storedSession(record, target, this.#contactUser, this.#trunk);
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
