import { createHash, createHmac } from 'node:crypto';
import { TapedeckError } from '../core/error.ts';
import type { ServerLocation } from './server-location.ts';

/** Asks the admin API of a running server. */
export class AdminClient {
  readonly #location: ServerLocation;

  constructor(location: ServerLocation) {
    this.#location = location;
  }

  /**
   * The JSON of a 2xx answer, `undefined` for one without a body. Rejects with
   * `destination-unreachable` or `destination-refused`.
   */
  async ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const response = await this.#fetch(method, path, text, this.#credentials(method, path, text));
    if (!response.ok) throw await refused(response);
    return response.status === 204 ? undefined : response.json();
  }

  /** As `ask` with GET, or `undefined` for what is not there. */
  async find(path: string): Promise<unknown> {
    const response = await this.#fetch('GET', path, '', this.#credentials('GET', path, ''));
    if (response.ok) return response.json();
    const refusal = await refused(response);
    if (response.status === 404) return undefined;
    throw refusal;
  }

  /** A stored file by the link that the server made for it, whatever host the link names. */
  async open(link: string): Promise<ReadableStream<Uint8Array>> {
    const { pathname, search } = new URL(link);
    const response = await this.#fetch('GET', pathname + search, '', {});
    if (!response.ok) throw await refused(response);
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
    try {
      return await fetch(http + path, {
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

async function refused(response: Response): Promise<TapedeckError> {
  return new TapedeckError('destination-refused', await refusalOf(response));
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
