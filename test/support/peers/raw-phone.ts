import { RawPeer, type RawRequest } from '../../../src/sip/testing/raw-peer.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import type { SipResponse } from '../../../src/protocols/sip/message.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { until } from '../../contract/until.ts';
import type { ServerProcess } from '../server-process.ts';

/** One call of a phone that sends what it is told, with headers that no simulated phone has. */
export class RawPhone {
  readonly peer: RawPeer;
  readonly host: string;
  readonly #network: NodeDatagramNetwork;
  readonly #server: string;
  readonly #callId = `raw-${crypto.randomUUID()}`;
  #invite: RawRequest | undefined;

  private constructor(network: NodeDatagramNetwork, peer: RawPeer, host: string, server: string) {
    this.#network = network;
    this.peer = peer;
    this.host = host;
    this.#server = server;
  }

  /** @param host the phone's own address, of 127.0.0.0/8. */
  static async open(server: ServerProcess, host = '127.0.0.1'): Promise<RawPhone> {
    const [, address = '', port = ''] = /^sip:(.*):(\d+)$/.exec(server.ready.sip) ?? [];
    const network = new NodeDatagramNetwork(systemClock);
    const peer = await RawPeer.open(network, host, 0, { address, port: Number(port) });
    return new RawPhone(network, peer, host, `${address}:${port}`);
  }

  invite(to: string, headers: readonly string[] = [], fromUser = 'raw'): void {
    const { host } = this;
    this.#invite = {
      method: 'INVITE',
      uri: `sip:${to}@${this.#server}`,
      callId: this.#callId,
      fromUser,
      headers,
      body: `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n`,
    };
    this.peer.send(this.#invite);
  }

  /** The response of this status, as soon as it is there. */
  async response(status: number): Promise<SipResponse> {
    const find = (): SipResponse | undefined =>
      this.peer.responses.find((response) => response.status === status);
    await until(`response ${status}; got ${this.peer.statuses.join(', ')}`, () => {
      return find() !== undefined;
    });
    const found = find();
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  /** Acknowledges a 200 of the INVITE. */
  acknowledge(answer: SipResponse): void {
    this.peer.send({ ...this.#inDialog(answer), method: 'ACK', branch: 'z9hG4bK-ack' });
  }

  hangUp(answer: SipResponse): void {
    this.peer.send({ ...this.#inDialog(answer), method: 'BYE', cseq: 2 });
  }

  cancel(): void {
    const { uri = '', callId = '', fromUser = '' } = this.#invite ?? {};
    const branch = `z9hG4bK-${callId}-1-INVITE`;
    this.peer.send({ method: 'CANCEL', uri, callId, fromUser, branch });
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  #inDialog(answer: SipResponse): Omit<RawRequest, 'method'> {
    const { uri = '', callId = '', fromUser = '' } = this.#invite ?? {};
    const toTag = /;tag=([^;]+)/.exec(answer.headers.get('To') ?? '')?.[1] ?? '';
    return { uri, callId, fromUser, toTag };
  }
}
