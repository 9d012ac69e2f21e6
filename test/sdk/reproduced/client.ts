import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';

/** How an SDK signs, and which headers it sends; all that its requests have of their own. */
export type Profile = {
  readonly apiVersion: string;
  /** What stands for the host in the string that is signed. */
  readonly signedHost: (endpoint: URL) => string;
  /** Beside the headers of the signature. `toSign` is the string that was signed. */
  readonly headers: (parts: {
    readonly endpoint: URL;
    readonly isContent: boolean;
    readonly date: string;
    readonly toSign: string;
  }) => Readonly<Record<string, string>>;
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Buffer };

/** A status that the SDK does not take for success. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus';
  readonly status: number;
  readonly code: string;

  constructor(answer: Answer) {
    const text = answer.body.toString();
    super(`${answer.status} ${text.slice(0, 300)}`);
    this.status = answer.status;
    this.code = /"code":"(\w+)"/.exec(text)?.[1] ?? '';
  }
}

/** Sends the requests of an SDK that is not at hand. */
export class ReproducedClient {
  readonly #profile: Profile;
  readonly #endpoint: URL;
  readonly #key: Buffer;

  constructor(profile: Profile, connectionString: string) {
    const [, endpoint = '', key = ''] =
      /^endpoint=(.*);accesskey=(.*)$/.exec(connectionString) ?? [];
    this.#profile = profile;
    this.#endpoint = new URL(endpoint);
    this.#key = Buffer.from(key, 'base64');
  }

  /** An operation of the API; anything but `expected` throws. */
  async call(
    method: string,
    path: string,
    expected: number,
    body?: unknown,
  ): Promise<Readonly<Record<string, unknown>>> {
    const url = new URL(`${path}?api-version=${this.#profile.apiVersion}`, this.#endpoint);
    const answer = await this.#send(method, url, false, {}, body);
    if (answer.status !== expected) throw new UnexpectedStatus(answer);
    const text = answer.body.toString();
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Content of a recording: 200 and 206 are successes. */
  async content(location: string, range?: string): Promise<Answer> {
    const headers = range === undefined ? {} : { range };
    const answer = await this.#send('GET', new URL(location), true, headers);
    if (answer.status !== 200 && answer.status !== 206) throw new UnexpectedStatus(answer);
    return answer;
  }

  async delete(location: string): Promise<void> {
    const answer = await this.#send('DELETE', new URL(location), true, {});
    if (answer.status !== 200) throw new UnexpectedStatus(answer);
  }

  async #send(
    method: string,
    url: URL,
    isContent: boolean,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const date = new Date().toUTCString();
    const hash = createHash('sha256').update(text).digest('base64');
    // Content is signed over its path alone, and as if it were at the endpoint.
    const path = isContent ? url.pathname : url.pathname + url.search;
    const host = this.#profile.signedHost(this.#endpoint);
    const toSign = `${method}\n${path}\n${date};${host};${hash}`;
    const signature = createHmac('sha256', this.#key).update(toSign).digest('base64');
    const outgoing = request(url, {
      method,
      // What a line in the hosts file of the client does.
      lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
      servername: /^[\d.]+$/.test(url.hostname) ? '' : url.hostname,
      headers: {
        accept: 'application/json',
        'x-ms-date': date,
        'x-ms-content-sha256': hash,
        authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
        ...(text === '' ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' && text !== '' && repeatability(date)),
        ...this.#profile.headers({ endpoint: this.#endpoint, isContent, date, toSign }),
        ...headers,
      },
    });
    outgoing.end(text);
    const [response] = (await once(outgoing)) as [IncomingMessage];
    const entries = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: response.statusCode ?? 0,
      headers: new Headers(entries as [string, string][]),
      body: await buffer(response),
    };
  }
}

function once(outgoing: ReturnType<typeof request>): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', (...all) => resolve(all));
    outgoing.on('error', reject);
  });
}

function repeatability(date: string): Readonly<Record<string, string>> {
  return { 'repeatability-request-id': randomUUID(), 'repeatability-first-sent': date };
}
