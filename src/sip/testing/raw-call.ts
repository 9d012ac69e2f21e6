import type { RemoteMedia } from '../../core/media-format.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { parseSipUri } from '../../protocols/sip/uri.ts';
import type { SipEndpoint } from '../endpoint.ts';
import type { InviteClientSession } from '../session/invite-client-session.ts';
import type { InviteServerSession } from '../session/invite-server-session.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './call-setup.ts';
import { RawPeer, SDP_OFFER, type RawRequest } from './raw-peer.ts';

export const US = { address: '10.0.0.2', port: 5060 };

/** An endpoint of ours, a peer without mercy, and what our sessions were told. */
export class RawCall {
  readonly world: World;
  readonly endpoint: SipEndpoint;
  readonly peer: RawPeer;
  readonly ends: SessionEnd[] = [];
  readonly changes: RemoteMedia[] = [];
  readonly accepted: RemoteMedia[] = [];
  readonly progress: number[] = [];
  /** Tag of ours in the call that came in. */
  toTag = '';
  #cseq = 1;

  static async open(seed = 1): Promise<RawCall> {
    const world = createWorld(seed);
    const endpoint = await openEndpoint(world, US.address);
    const peer = await RawPeer.open(world.network, '10.0.0.9', 5062, US);
    return new RawCall(world, endpoint, peer);
  }

  private constructor(world: World, endpoint: SipEndpoint, peer: RawPeer) {
    this.world = world;
    this.endpoint = endpoint;
    this.peer = peer;
  }

  async turn(ms = 10): Promise<void> {
    await this.world.clock.advanceWithTurns(ms, ms > 200 ? 50 : 2);
  }

  /** The peer calls; the session waits for its answer. */
  async receive(
    headers: readonly string[] = [],
    body: string = SDP_OFFER,
  ): Promise<InviteServerSession> {
    const sessions: InviteServerSession[] = [];
    this.endpoint.onInvite = (session) => sessions.push(session);
    this.peer.send({ method: 'INVITE', body, headers });
    await this.turn();
    const [session] = sessions;
    if (session === undefined) throw new Error('no INVITE arrived');
    session.onEnd = (end) => this.ends.push(end);
    session.onMediaChange = (remote) => this.changes.push(remote);
    return session;
  }

  /** The peer calls and the call is up. */
  async answer(headers: readonly string[] = []): Promise<InviteServerSession> {
    const session = await this.receive(headers);
    void session.accept(mediaAt(US.address));
    await this.turn();
    this.toTag = this.peer.last?.to.parameters.get('tag') ?? '';
    this.peer.send({ method: 'ACK', toTag: this.toTag, branch: 'z9hG4bK-ack' });
    await this.turn();
    return session;
  }

  /** We call; the INVITE waits at the peer. */
  async place(): Promise<InviteClientSession> {
    const uri = parseSipUri('sip:callee@10.0.0.9:5062');
    if (!uri.ok) throw new Error(uri.defect);
    const session = this.endpoint.invite({
      uri: uri.value,
      from: { user: 'us', host: '', displayName: '' },
      media: mediaAt(US.address),
      credentials: { username: 'us', password: 'secret' },
    });
    session.onEnd = (end) => this.ends.push(end);
    session.onMediaChange = (remote) => this.changes.push(remote);
    session.onAccept = (remote) => this.accepted.push(remote);
    session.onProgress = (status) => this.progress.push(status);
    await this.turn();
    return session;
  }

  /** We call and the call is up. */
  async connect(headers: readonly string[] = []): Promise<InviteClientSession> {
    const session = await this.place();
    this.peer.respond(this.request('INVITE'), 200, { toTag: 'peer', body: SDP_OFFER, headers });
    await this.turn();
    return session;
  }

  /** The newest request of ours with this method. */
  request(method: string): SipRequest {
    const found = this.peer.requests.filter((request) => request.method === method).at(-1);
    if (found === undefined) throw new Error(`no ${method} came`);
    return found;
  }

  count(method: string): number {
    const branches = this.peer.requests
      .filter((request) => request.method === method)
      .map((request) => request.via.parameters.get('branch'));
    return new Set(branches).size;
  }

  /** A request of the peer in the call that came in, with the next number. */
  async ask(request: RawRequest): Promise<SipResponse> {
    this.#cseq += 1;
    const before = this.peer.responses.length;
    this.peer.send({ toTag: this.toTag, cseq: this.#cseq, ...request });
    await this.turn();
    const response = this.peer.responses
      .slice(before)
      .find(({ cseq }) => cseq.method === request.method);
    if (response === undefined) throw new Error(`no answer to ${request.method}`);
    return response;
  }

  /** A request of the peer in the call that we placed. */
  async askBack(request: RawRequest): Promise<SipResponse> {
    const invite = this.request('INVITE');
    return this.ask({
      callId: invite.callId,
      fromTag: 'peer',
      toTag: invite.from.parameters.get('tag') ?? '',
      ...request,
    });
  }
}

export function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString();
}
