import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ReceivedEvent = {
  /** Full type, whatever the envelope. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly envelope: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage['headers'];
  /** Whether the body was an array; false for a CloudEvent alone. */
  readonly isArray: boolean;
  /** `performance.now()` when the whole POST was here. */
  readonly receivedAtMs: number;
};

/** An application's web hook: takes callbacks and events, and shakes hands with subscriptions. */
export class EventReceiver {
  readonly url: string;
  readonly received: ReceivedEvent[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  readonly #taken = new WeakSet<ReceivedEvent>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** @param port where one that was closed has been; a free one by default. */
  static async open(port = 0): Promise<EventReceiver> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new EventReceiver(server);
    server.on('request', (request: IncomingMessage, response) => {
      void bodyOf(request).then((body) => {
        const receivedAtMs = performance.now();
        const list = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[];
        const code = (list[0]?.['data'] as Record<string, unknown> | undefined)?.['validationCode'];
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(code === undefined ? '' : JSON.stringify({ validationResponse: code }));
        if (code !== undefined) return;
        for (const envelope of list) {
          receiver.received.push({
            type: String(envelope['type'] ?? envelope['eventType']),
            data: envelope['data'] as Record<string, unknown>,
            envelope,
            headers: request.headers,
            isArray: Array.isArray(body),
            receivedAtMs,
          });
        }
        for (const wake of receiver.#waiting) wake();
      });
    });
    return receiver;
  }

  /** The next event of this name (without prefix) that was not returned yet and that `matches`. */
  next(
    name: string,
    matches: (event: ReceivedEvent) => boolean = () => true,
    timeoutMs = 15_000,
  ): Promise<ReceivedEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const types = this.received.map((event) => event.type).join(', ');
        reject(new Error(`${name} did not come; received: ${types}`));
      }, timeoutMs);
      const check = (): void => {
        const event = this.received.find(
          (one) =>
            one.type === `Microsoft.Communication.${name}` && !this.#taken.has(one) && matches(one),
        );
        if (event === undefined) return;
        this.#taken.add(event);
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(event);
      };
      this.#waiting.add(check);
      check();
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString());
}
