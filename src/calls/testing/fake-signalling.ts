import type { SessionId } from '../../core/ids.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type {
  IncomingInvite,
  OutboundInvite,
  OutgoingInvite,
  SessionEnd,
  SignallingPort,
} from '../../core/ports/signalling.ts';

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

/** A phone that calls us. */
export class FakeIncoming implements IncomingInvite {
  readonly sessionId: SessionId = 'incoming' as SessionId;
  readonly callId = 'call-id';
  readonly from: IncomingInvite['from'];
  readonly to: IncomingInvite['to'];
  readonly sourceAddress = '127.0.0.1';
  readonly sipHeaders: Readonly<Record<string, string>> = { 'X-Order': '4719' };
  authenticatedUser: string | undefined;
  trunk: string | undefined;
  offeredFormats: readonly AudioFormat[] | undefined = [PCMU, PCMA];
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  readonly rings: Readonly<Record<string, string>>[] = [];
  accepted: LocalMedia | undefined;
  ended: { readonly status: number; readonly reason: string } | undefined;
  /** Does not answer its BYE. */
  isGone = false;

  constructor(from: string, to: string) {
    this.from = { user: from, host: 'phone.test', displayName: '' };
    this.to = { user: to, host: 'tapedeck.test', displayName: '' };
  }

  stored(): Readonly<Record<string, unknown>> {
    return { callId: this.callId };
  }

  ring(headers: Readonly<Record<string, string>> = {}): void {
    this.rings.push(headers);
  }

  accept(media: LocalMedia): Promise<RemoteMedia> {
    this.accepted = media;
    return Promise.resolve(remoteMedia(media.formats[0]));
  }

  end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.ended === undefined) {
      this.ended = end;
      this.onEnd({ ...end, by: 'local' });
    }
    return this.isGone ? new Promise(() => undefined) : Promise.resolve();
  }

  hangUp(): void {
    this.onEnd({ status: 200, reason: 'OK', by: 'remote' });
  }
}

/** A phone that we call. */
export class FakeOutgoing implements OutgoingInvite {
  readonly sessionId: SessionId = 'outgoing' as SessionId;
  readonly request: OutboundInvite;
  onProgress: (status: number) => void = () => undefined;
  onAccept: (remote: RemoteMedia) => void = () => undefined;
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  ended: { readonly status: number; readonly reason: string } | undefined;

  constructor(request: OutboundInvite) {
    this.request = request;
  }

  stored(): Readonly<Record<string, unknown>> {
    return { uri: this.request.uri };
  }

  accept(format?: AudioFormat): void {
    this.onAccept(remoteMedia(format ?? this.request.media.formats[0]));
  }

  refuse(status: number, reason: string): void {
    this.onEnd({ status, reason, by: 'remote' });
  }

  end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.ended === undefined) {
      this.ended = end;
      this.onEnd({ ...end, by: 'local' });
    }
    return Promise.resolve();
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
