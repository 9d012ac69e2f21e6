import { TapedeckError } from '../core/error.ts';
import type { SessionId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Random } from '../core/ports/random.ts';
import type { IncomingRefer, ReferOutcome } from '../core/ports/session-control.ts';
import type { OutgoingInvite, SessionEnd, StoredDialog } from '../core/ports/signalling.ts';
import type { Tone } from '../core/tone.ts';
import { NOT_UP } from './session/session-defaults.ts';

/** A call to something that is no SIP URI: it ends, with 404, before anything is sent. */
export class UnreachableInvite implements OutgoingInvite {
  readonly sessionId: SessionId;
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  onRefer: (refer: IncomingRefer) => void = () => undefined;
  onTone: (tone: Tone, durationMs: number) => void = () => undefined;
  onProgress: (status: number) => void = () => undefined;
  onAccept: (remote: RemoteMedia) => void = () => undefined;

  constructor(random: Random, reason: string) {
    this.sessionId = random.hex(8) as SessionId;
    queueMicrotask(() => {
      this.onEnd({ status: 404, reason, by: 'local' });
    });
  }

  stored(): StoredDialog | undefined {
    return undefined;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  reoffer(): Promise<RemoteMedia> {
    return Promise.reject(new TapedeckError('destination-refused', 'the call is not up'));
  }

  refer(): Promise<ReferOutcome> {
    return Promise.resolve(NOT_UP);
  }
}
