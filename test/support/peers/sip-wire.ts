import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket as StreamSocket } from 'node:net';

export type SipTransport = 'udp' | 'tcp';

export type WireRequest = {
  readonly method: string;
  readonly user: string;
  readonly callId: string;
  /** Names of the header fields that are left out. */
  readonly without?: readonly string[];
  /** Default: no body. */
  readonly sdp?: string;
};

const FINAL_MS = 10_000;
const RESEND_MS = 500;

/** Bytes to and from a server's SIP port, by a socket of its own, and nothing that helps them. */
export class SipWire {
  /** Status codes in the order they came, by Call-ID. */
  readonly statuses: Map<string, number[]> = new Map();
  /** Everything that came, as text. */
  received = '';
  readonly #transport: SipTransport;
  readonly #server: { readonly host: string; readonly port: number };
  readonly #socket: DatagramSocket | StreamSocket;
  readonly #local: string;
  #isClosed = false;
  readonly #waiting: (() => void)[] = [];

  private constructor(
    transport: SipTransport,
    server: { readonly host: string; readonly port: number },
    socket: DatagramSocket | StreamSocket,
    local: { readonly address: string; readonly port: number },
  ) {
    this.#transport = transport;
    this.#server = server;
    this.#socket = socket;
    this.#local = `${local.address}:${local.port}`;
  }

  static async open(
    transport: SipTransport,
    serverUri: string,
    host = '127.0.0.1',
  ): Promise<SipWire> {
    const [, address = '', port = ''] = /^sip:(.+):(\d+)$/.exec(serverUri) ?? [];
    const server = { host: address, port: Number(port) };
    if (transport === 'udp') {
      const socket = createSocket('udp4');
      socket.bind(0, host);
      await once(socket, 'listening');
      const wire = new SipWire(transport, server, socket, socket.address());
      socket.on('message', (data) => {
        wire.#read(data.toString('latin1'));
      });
      return wire;
    }
    const socket = connect({ ...server, localAddress: host });
    await once(socket, 'connect');
    const local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    const wire = new SipWire(transport, server, socket, local);
    socket.setEncoding('latin1').on('data', (text: string) => {
      wire.#read(text);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      wire.#isClosed = true;
    });
    return wire;
  }

  /** The server has closed the connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  text(request: WireRequest): string {
    const { method, user, callId, without = [], sdp = '' } = request;
    const { host, port } = this.#server;
    const fields = {
      Via: `SIP/2.0/${this.#transport.toUpperCase()} ${this.#local};rport;branch=z9hG4bK${callId}`,
      'Max-Forwards': '70',
      From: `<sip:stranger@${this.#local}>;tag=${callId}`,
      To: `<sip:${user}@${host}:${port}>`,
      'Call-ID': callId,
      CSeq: `1 ${method}`,
      Contact: `<sip:stranger@${this.#local};transport=${this.#transport}>`,
      ...(sdp === '' ? {} : { 'Content-Type': 'application/sdp' }),
      'Content-Length': String(Buffer.byteLength(sdp)),
    };
    const lines = Object.entries(fields)
      .filter(([name]) => !without.includes(name))
      .map(([name, value]) => `${name}: ${value}`);
    return [`${method} sip:${user}@${host}:${port} SIP/2.0`, ...lines, '', sdp].join('\r\n');
  }

  send(bytes: string | Uint8Array): void {
    const socket = this.#socket;
    if ('write' in socket) socket.write(bytes);
    else socket.send(bytes, this.#server.port, this.#server.host, () => undefined);
  }

  /** Sends, and waits for the first final status with this Call-ID; `''` stands for none. */
  async ask(request: WireRequest): Promise<number> {
    const text = this.text(request);
    this.send(text);
    let sentAt = performance.now();
    const callId = request.without?.includes('Call-ID') === true ? '' : request.callId;
    const until = performance.now() + FINAL_MS;
    for (;;) {
      const final = this.statuses.get(callId)?.find((status) => status >= 200);
      if (final !== undefined) return final;
      if (performance.now() > until) throw new Error(`no final answer; came: ${this.received}`);
      // Datagrams get lost where buffers are full (RFC 3261 §17.1.2.2, timer E).
      if (this.#transport === 'udp' && performance.now() - sentAt > RESEND_MS) {
        this.send(text);
        sentAt = performance.now();
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        setTimeout(resolve, 100);
      });
    }
  }

  close(): void {
    if ('destroy' in this.#socket) this.#socket.destroy();
    else this.#socket.close();
  }

  /** Answers without bodies are all that strangers get: a head a piece. */
  #read(text: string): void {
    this.received = (this.received + text).slice(-4_000);
    for (const head of text.split('\r\n\r\n')) {
      const status = /^SIP\/2\.0 (\d{3})/.exec(head)?.[1];
      if (status === undefined) continue;
      const callId = /^Call-ID:\s*(.+?)\s*$/im.exec(head)?.[1] ?? '';
      const known = this.statuses.get(callId);
      if (known === undefined) this.statuses.set(callId, [Number(status)]);
      else known.push(Number(status));
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** An offer of one audio line with these formats, from 127.0.0.1. */
export function offerOf(formats: string, port = 40_000): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    '',
  ].join('\r\n');
}
