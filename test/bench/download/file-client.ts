import type { Hash } from 'node:crypto';
import { Agent, request } from 'node:https';

/** Headers of one GET of this URL. */
export type HeadersOf = (url: URL) => Readonly<Record<string, string>>;

export const RANGE_BYTES: number = 1024 * 1024;
export const CONNECTIONS = 4;

/** Reads one file from one server, on connections that stay open between the reads. */
export class FileClient {
  readonly #url: URL;
  readonly #sizeBytes: number;
  readonly #headersOf: HeadersOf;
  readonly #agent: Agent;

  constructor(url: URL, sizeBytes: number, ca: Buffer, headersOf: HeadersOf) {
    this.#url = url;
    this.#sizeBytes = sizeBytes;
    this.#headersOf = headersOf;
    this.#agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca });
  }

  /** The whole file in ranges, four at a time. */
  async ranges(): Promise<void> {
    let next = 0;
    const readNext = async (): Promise<void> => {
      while (next < this.#sizeBytes) {
        const start = next;
        next += RANGE_BYTES;
        await this.range(start, Math.min(next, this.#sizeBytes) - 1);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, readNext));
  }

  /** Bytes `start` to `end`, both included; rejects unless it is these that come. */
  range(start: number, end: number, hash?: Hash): Promise<void> {
    const range = `bytes ${start}-${end}/${this.#sizeBytes}`;
    return this.#get({ range: `bytes=${start}-${end}` }, hash, (status, contentRange) =>
      status === 206 && contentRange === range ? end - start + 1 : undefined,
    );
  }

  /** The whole file at once. */
  whole(): Promise<void> {
    return this.#get({}, undefined, (status) => (status === 200 ? this.#sizeBytes : undefined));
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(
    headers: Readonly<Record<string, string>>,
    hash: Hash | undefined,
    expectedBytes: (status: number, contentRange: string | undefined) => number | undefined,
  ): Promise<void> {
    const options = {
      agent: this.#agent,
      headers: { ...headers, ...this.#headersOf(this.#url) },
    };
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, options, (response) => {
        const wanted = expectedBytes(response.statusCode ?? 0, response.headers['content-range']);
        let receivedBytes = 0;
        response.on('data', (piece: Buffer) => {
          receivedBytes += piece.length;
          hash?.update(piece);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (receivedBytes === wanted) resolve();
          else
            reject(new Error(`${this.#url.host}: ${response.statusCode}, ${receivedBytes} bytes`));
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
