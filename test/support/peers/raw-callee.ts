import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { RawPeer } from '../../../src/sip/testing/raw-peer.ts';
import type { SipRequest } from '../../../src/protocols/sip/message.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { until } from '../../contract/until.ts';

const HOST = '127.0.0.1';
const SDP = `v=0\r\no=- 1 1 IN IP4 ${HOST}\r\ns=-\r\nc=IN IP4 ${HOST}\r\nt=0 0\r\nm=audio 40002 RTP/AVP 0 8\r\n`;

/** A phone at an address of its own that answers, keeps what it is asked, and takes no re-INVITE. */
export class RawCallee {
  readonly #network: NodeDatagramNetwork;
  readonly #peer: RawPeer;

  private constructor(network: NodeDatagramNetwork, peer: RawPeer) {
    this.#network = network;
    this.#peer = peer;
  }

  static async open(): Promise<RawCallee> {
    const network = new NodeDatagramNetwork(systemClock);
    const opened: { answer?: (request: SipRequest) => void } = {};
    const nobody = { address: HOST, port: 9 };
    const peer = await RawPeer.open(network, HOST, 0, nobody, (request) => {
      opened.answer?.(request);
    });
    opened.answer = (request) => {
      const [, address = '', port = ''] =
        /UDP ([\d.]+):(\d+)/.exec(request.headers.get('Via') ?? '') ?? [];
      const to = { address, port: Number(port) };
      const isInDialog = /;tag=/.test(request.headers.get('To') ?? '');
      if (request.method === 'ACK') return;
      if (request.method !== 'INVITE') peer.respond(request, 200, { to });
      else if (isInDialog) peer.respond(request, 488, { to });
      else peer.respond(request, 200, { to, toTag: 'raw-callee', body: SDP });
    };
    return new RawCallee(network, peer);
  }

  /** As an identifier of the API: `sip:callee@127.0.0.1:port`. */
  get identifier(): { readonly id: string } {
    return { id: `sip:callee@${HOST}:${this.#peer.local.port}` };
  }

  /** The first request of this method, as soon as it is there. */
  async asked(method: string): Promise<SipRequest> {
    const find = (): SipRequest | undefined =>
      this.#peer.requests.find((request) => request.method === method);
    await until(`${method} comes`, () => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error(`no ${method}`);
    return found;
  }

  close(): Promise<void> {
    return this.#network.close();
  }
}
