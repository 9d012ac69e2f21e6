import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A value of JSON whose members a test looks at. */
export type Json = Readonly<Record<string, unknown>>;

export type Notification = {
  readonly changeType: string;
  readonly resourceUrl: string;
  /** Of a call or an operation. */
  readonly resourceData: Json;
  /** As it came. */
  readonly whole: Json;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
};

const PATIENCE_MS = 20_000;

/** A bot's web hook: takes Graph notifications, and answers as a test says. */
export class NotificationReceiver {
  readonly url: string;
  readonly received: Notification[] = [];
  /** Statuses of the next answers; 202 when there is none left. */
  readonly answers: number[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  readonly #taken = new WeakSet<Notification>();
  /** Ids of those that were received: what comes twice is one. */
  readonly #seen = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param port where one that was closed has been; a free one by default. */
  static async open(port: number = 0): Promise<NotificationReceiver> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new NotificationReceiver(server);
    server.on('request', (request: IncomingMessage, response) => {
      void receiver.#take(request).then((status) => response.writeHead(status).end());
    });
    return receiver;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The next one that was not returned yet and that `matches`. */
  next(
    what: string,
    matches: (notification: Notification) => boolean,
    timeoutMs: number = PATIENCE_MS,
  ): Promise<Notification> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const all = this.received.map((one) => JSON.stringify(one.whole)).join('\n');
        reject(new Error(`${what} did not come; received:\n${all}`));
      }, timeoutMs);
      const check = (): void => {
        const found = this.received.find((one) => !this.#taken.has(one) && matches(one));
        if (found === undefined) return;
        this.#taken.add(found);
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage): Promise<number> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString()) as {
      readonly value: readonly Json[];
    };
    const status = this.answers.shift() ?? 202;
    if (status >= 300) return status;
    // A server that was killed may not know that it has sent it: then it sends the same again.
    const messageId = String(request.headers['x-microsoft-skype-message-id']);
    if (this.#seen.has(messageId)) return status;
    this.#seen.add(messageId);
    const { url: path = '', headers } = request;
    for (const whole of body.value) {
      const resourceData = whole['resourceData'] as Json;
      const { changeType, resourceUrl } = whole as Record<string, string>;
      this.received.push({
        changeType: changeType ?? '',
        resourceUrl: resourceUrl ?? '',
        resourceData,
        whole,
        path,
        headers,
      });
    }
    for (const wake of this.#waiting) wake();
    return status;
  }
}
