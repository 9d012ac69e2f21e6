import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SipMessage, SipRequest, SipResponse } from '../../../src/protocols/sip/message.ts';
import { StreamFramer } from '../../../src/protocols/sip/stream-framer.ts';
import { until } from '../../contract/until.ts';

const HOST = '127.0.0.1';

/** One connection of a phone to the server, with what came by it. */
export class TcpLine {
  readonly received: SipMessage[] = [];
  readonly port: number;
  readonly #socket: Socket;

  /** @param answer what is said to a request, at once; `undefined`: nothing. */
  constructor(socket: Socket, answer: (request: SipRequest, line: TcpLine) => string | undefined) {
    this.#socket = socket;
    this.port = socket.localPort ?? 0;
    const framer = new StreamFramer();
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const event of framer.push(data)) {
        if (event.kind !== 'message') continue;
        this.received.push(event.message);
        const said = event.message.kind === 'request' ? answer(event.message, this) : undefined;
        if (said !== undefined) socket.write(said);
      }
    });
  }

  /** Methods of the requests that came, in order. */
  get asked(): readonly string[] {
    return this.received.flatMap((message) => (message.kind === 'request' ? [message.method] : []));
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The first request of this method, as soon as it is there. */
  request(method: string): Promise<SipRequest> {
    return this.#first(
      method,
      (message) => message.kind === 'request' && message.method === method,
    );
  }

  /** The final response to the request with this number. */
  answerTo(cseq: number): Promise<SipResponse> {
    return this.#first(
      `the answer to ${cseq}`,
      (message) =>
        message.kind === 'response' && message.status >= 200 && message.cseq.number === cseq,
    );
  }

  /** The connection breaks. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }

  async #first<T extends SipMessage>(
    what: string,
    is: (message: SipMessage) => boolean,
  ): Promise<T> {
    await until(`${what} comes by port ${this.port}`, () => this.received.some(is));
    return this.received.find(is) as T;
  }
}

/**
 * One call by SIP over TCP, on as many connections as the test likes. Nobody listens at its Contact, as
 * behind a router: whatever the server wants of it has to come by a connection that it has made.
 */
export class TcpPhone {
  readonly user: string;
  readonly #server: { readonly host: string; readonly port: number };
  readonly #callId: string = crypto.randomUUID();
  readonly #lines: TcpLine[] = [];
  readonly #refusals: ReadonlyMap<string, number>;
  #cseq = 0;
  #remoteTo = '';
  #remoteTarget: string;
  #mediaPort = 0;

  /**
   * @param to user part of whom it calls.
   * @param refusals status for requests of the server that are not answered with 200.
   */
  constructor(
    serverUri: string,
    user: string,
    to: string,
    refusals: Readonly<Record<string, number>> = {},
  ) {
    const [, host = '', port = ''] = /^sip:(.+):(\d+)$/.exec(serverUri) ?? [];
    this.#server = { host, port: Number(port) };
    this.user = user;
    this.#remoteTarget = `sip:${to}@${host}:${port}`;
    this.#remoteTo = `<${this.#remoteTarget}>`;
    this.#refusals = new Map(Object.entries(refusals));
  }

  async connect(): Promise<TcpLine> {
    const socket = connect(this.#server);
    await once(socket, 'connect');
    const line = new TcpLine(socket, (request, by) => this.#answer(request, by));
    this.#lines.push(line);
    return line;
  }

  async close(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close()));
  }

  /** The first INVITE and every later one: offers media at this port, and acknowledges the 200. */
  async invite(line: TcpLine, mediaPort: number): Promise<SipResponse> {
    this.#mediaPort = mediaPort;
    const response = await this.#invite(line, this.#sdp());
    line.send(this.#request(line, 'ACK', response.cseq.number, ''));
    return response;
  }

  /** The first INVITE, without an offer: that comes with the 200, to be answered by `acknowledge`. */
  inviteLate(line: TcpLine): Promise<SipResponse> {
    return this.#invite(line, '');
  }

  /** The ACK of `inviteLate`, with the answer to the server's offer. */
  acknowledge(line: TcpLine, response: SipResponse, mediaPort: number): void {
    this.#mediaPort = mediaPort;
    line.send(this.#request(line, 'ACK', response.cseq.number, this.#sdp()));
  }

  /** Any other request; its final response, by the same connection. */
  ask(line: TcpLine, method: string, body = ''): Promise<SipResponse> {
    this.#cseq += 1;
    line.send(this.#request(line, method, this.#cseq, body));
    return line.answerTo(this.#cseq);
  }

  async #invite(line: TcpLine, body: string): Promise<SipResponse> {
    const response = await this.ask(line, 'INVITE', body);
    if (response.status !== 200) return response;
    this.#remoteTo = response.headers.get('To') ?? '';
    const contact = /<([^>]+)>/.exec(response.headers.get('Contact') ?? '')?.[1];
    this.#remoteTarget = contact ?? this.#remoteTarget;
    return response;
  }

  #request(line: TcpLine, method: string, cseq: number, body: string): string {
    const lines = [
      `${method} ${this.#remoteTarget} SIP/2.0`,
      `Via: SIP/2.0/TCP ${HOST}:${line.port};rport;branch=z9hG4bK-${crypto.randomUUID()}`,
      'Max-Forwards: 70',
      `From: ${this.#from()}`,
      `To: ${this.#remoteTo}`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${cseq} ${method}`,
    ];
    return this.#whole(lines, line, body);
  }

  #answer(request: SipRequest, line: TcpLine): string | undefined {
    if (request.method === 'ACK') return undefined;
    const status = this.#refusals.get(request.method) ?? 200;
    const lines = [
      `SIP/2.0 ${status} Said`,
      ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) =>
        request.headers.all(name).map((value) => `${name}: ${value}`),
      ),
    ];
    const isAnswer = request.method === 'INVITE' && status === 200;
    return this.#whole(lines, line, isAnswer ? this.#sdp() : '');
  }

  #whole(lines: readonly string[], line: TcpLine, body: string): string {
    return [
      ...lines,
      `Contact: <sip:${this.user}@${HOST}:${line.port};transport=tcp>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  #from(): string {
    return `<sip:${this.user}@${HOST}>;tag=${this.#callId}`;
  }

  #sdp(): string {
    return [
      'v=0',
      `o=- 1 ${this.#cseq + 1} IN IP4 ${HOST}`,
      's=-',
      `c=IN IP4 ${HOST}`,
      't=0 0',
      `m=audio ${this.#mediaPort} RTP/AVP 0`,
      '',
    ].join('\r\n');
  }
}
