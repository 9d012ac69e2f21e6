import { createHash, createHmac } from 'node:crypto';
import { TapedeckError } from '../core/error.ts';
import type { ServerLocation } from './server-location.ts';

/** Asks the admin API of a running server. */
export class AdminClient {
  readonly #location: ServerLocation;

  constructor(location: ServerLocation) {
    this.#location = location;
  }

  /** The JSON of a 2xx answer. Rejects with `destination-unreachable` or `destination-refused`. */
  async ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const response = await this.#fetch(method, path, text, this.#credentials(method, path, text));
    return response.json();
  }

  /** A stored file by the link that the server made for it, whatever host the link names. */
  async open(link: string): Promise<ReadableStream<Uint8Array>> {
    const { pathname, search } = new URL(link);
    const response = await this.#fetch('GET', pathname + search, '', {});
    if (response.body === null) throw new TapedeckError('destination-refused', `${link}: no body`);
    return response.body;
  }

  async #fetch(
    method: string,
    path: string,
    body: string,
    credentials: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const { http } = this.#location;
    let response: Response;
    try {
      response = await fetch(http + path, {
        method,
        headers: {
          ...credentials,
          ...(body === '' ? {} : { 'content-type': 'application/json' }),
        },
        redirect: 'error',
        ...(body === '' ? {} : { body }),
      });
    } catch (cause) {
      throw new TapedeckError(
        'destination-unreachable',
        `no server answers at ${http}; is tapedeck start running, with the same options?`,
        { cause },
      );
    }
    if (response.ok) return response;
    throw new TapedeckError('destination-refused', await refusalOf(response));
  }

  /** The admin token if there is one, else a signature like the SDKs'. */
  #credentials(method: string, path: string, body: string): Readonly<Record<string, string>> {
    const { adminToken, accessKey, http } = this.#location;
    if (adminToken !== undefined) return { authorization: `Bearer ${adminToken}` };
    const date = new Date().toUTCString();
    const hash = createHash('sha256').update(body).digest('base64');
    const toSign = `${method}\n${path}\n${date};${new URL(http).host};${hash}`;
    const signature = createHmac('sha256', Buffer.from(accessKey, 'base64'))
      .update(toSign)
      .digest('base64');
    return {
      'x-ms-date': date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    };
  }
}

/** The server's own words, with the status and sub-code. */
async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.message === 'string') {
      return `${error.message} (${response.status}, ${String(error.code)})`;
    }
  } catch {
    // Not from Tapedeck: a proxy, or another program on this port.
  }
  return `the server answered ${response.status} ${response.statusText}`;
}
