import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { signedHeaders } from './admin-client.ts';
import type { ServerProcess } from './server-process.ts';

/** Signed requests over TLS on connections that stay open, as those of an SDK. */
export class TlsClient {
  readonly #server: ServerProcess;
  readonly #agent: Agent;

  private constructor(server: ServerProcess, agent: Agent) {
    this.#server = server;
    this.#agent = agent;
  }

  static async open(server: ServerProcess): Promise<TlsClient> {
    const { caFile } = server.ready;
    const ca = caFile === null ? undefined : await readFile(caFile);
    return new TlsClient(server, new Agent({ keepAlive: true, ...(ca && { ca }) }));
  }

  /** The answer's JSON; rejects for any status but 2xx. The request is sent before this returns. */
  async send(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = new URL(path, this.#server.ready.https);
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = signedHeaders(this.#server, method, url, text);
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agent }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const answer = Buffer.concat(pieces).toString();
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300)
            resolve(answer === '' ? undefined : JSON.parse(answer));
          else reject(new Error(`${method} ${path}: ${status} ${answer}`));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
