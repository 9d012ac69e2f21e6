import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../contract/until.ts';

export type HookRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; `undefined` without a body. */
  readonly body: unknown;
};

export type HookAnswer = {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: unknown;
};

/** A receiver of events that answers as a test says, and keeps what it was asked. */
export class WebHook {
  readonly url: string;
  readonly requests: HookRequest[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  static async open(answer: (request: HookRequest) => HookAnswer): Promise<WebHook> {
    const opened: { hook?: WebHook } = {};
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        const { method = '', url: path = '', headers } = request;
        const body = text === '' ? undefined : (JSON.parse(text) as unknown);
        const received = { method, path, headers, body };
        opened.hook?.requests.push(received);
        const given = answer(received);
        response.writeHead(given.status, given.headers);
        response.end(given.body === undefined ? '' : JSON.stringify(given.body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.hook = new WebHook(server);
    return opened.hook;
  }

  /** The first request that matches, as soon as it is there. */
  async request(matches: (request: HookRequest) => boolean): Promise<HookRequest> {
    const seen = (): string => this.requests.map(({ method, path }) => method + path).join(', ');
    await until(`a request; got ${seen()}`, () => this.requests.some(matches));
    const found = this.requests.find(matches);
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
