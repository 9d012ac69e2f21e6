import type { DatagramNetwork, DatagramSocket, SocketAddress } from '../../core/ports/datagram.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { parseSipMessage } from '../../protocols/sip/parse-message.ts';

export const SDP_OFFER: string = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.9',
  's=-',
  'c=IN IP4 10.0.0.9',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');

export type RawRequest = {
  readonly method: string;
  readonly uri?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  readonly fromUser?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly maxForwards?: number;
  /** More header lines. */
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly contentType?: string;
};

/** A SIP element that sends what it is told and keeps what it gets: no retransmission, no mercy. */
export class RawPeer {
  readonly received: SipMessage[] = [];
  /** Everything as it came, readable or not. */
  readonly texts: string[] = [];
  readonly local: SocketAddress;
  readonly #socket: DatagramSocket;
  readonly #server: SocketAddress;

  /** @param onRequest called for each request; the answer may be given at once. */
  static async open(
    network: DatagramNetwork,
    host: string,
    port: number,
    server: SocketAddress,
    onRequest: (request: SipRequest) => void = () => undefined,
  ): Promise<RawPeer> {
    const opened: { peer?: RawPeer } = {};
    const socket = await network.bind({
      host,
      port,
      receive: (data) => {
        opened.peer?.texts.push(Buffer.from(data).toString('utf8'));
        const message = parseSipMessage(data);
        if (!message.ok) return;
        opened.peer?.received.push(message.value);
        if (message.value.kind === 'request') onRequest(message.value);
      },
    });
    opened.peer = new RawPeer(socket, server);
    return opened.peer;
  }

  private constructor(socket: DatagramSocket, server: SocketAddress) {
    this.#socket = socket;
    this.local = socket.local;
    this.#server = server;
  }

  get responses(): readonly SipResponse[] {
    return this.received.filter((message) => message.kind === 'response');
  }

  get requests(): readonly SipRequest[] {
    return this.received.filter((message) => message.kind === 'request');
  }

  /** Status codes of all responses, in order. */
  get statuses(): readonly number[] {
    return this.responses.map((response) => response.status);
  }

  get last(): SipResponse | undefined {
    return this.responses.at(-1);
  }

  text(request: RawRequest): string {
    const {
      method,
      callId = 'call-1',
      cseq = 1,
      fromUser = 'caller',
      fromTag = 'from-1',
    } = request;
    const host = `${this.local.address}:${this.local.port}`;
    const uri = request.uri ?? `sip:bob@${this.#server.address}:${this.#server.port}`;
    const body = request.body ?? '';
    const branch = request.branch ?? `z9hG4bK-${callId}-${cseq}-${method}`;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host};rport;branch=${branch}`,
      `Max-Forwards: ${request.maxForwards ?? 70}`,
      `From: "A Caller" <sip:${fromUser}@${host}>;tag=${fromTag}`,
      `To: <sip:bob@${this.#server.address}>${request.toTag === undefined ? '' : `;tag=${request.toTag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:${fromUser}@${host}>`,
      ...(request.headers ?? []),
      ...(body === '' ? [] : [`Content-Type: ${request.contentType ?? 'application/sdp'}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  }

  send(request: RawRequest): void {
    this.sendText(this.text(request));
  }

  sendText(text: string, to: SocketAddress = this.#server): void {
    this.#socket.send(Buffer.from(text), to);
  }

  /** Answers a request that was received. */
  respond(
    request: SipRequest,
    status: number,
    options: {
      readonly toTag?: string;
      readonly headers?: readonly string[];
      readonly body?: string;
      /** Default the server. */
      readonly to?: SocketAddress;
    } = {},
  ): void {
    const body = options.body ?? '';
    const to = request.headers.get('To') ?? '';
    const tagged = options.toTag === undefined ? to : `${to};tag=${options.toTag}`;
    const lines = [
      `SIP/2.0 ${status} Something`,
      ...request.headers.all('Via').map((via) => `Via: ${via}`),
      `From: ${request.headers.get('From') ?? ''}`,
      `To: ${tagged}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.cseq.number} ${request.cseq.method}`,
      `Contact: <sip:callee@${this.local.address}:${this.local.port}>`,
      ...(options.headers ?? []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.sendText(`${lines.join('\r\n')}\r\n\r\n${body}`, options.to);
  }
}
