import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { same } from '../../checks.ts';
import { variable } from '../lane.ts';
import { type Dialect, ordered } from './dialects.ts';

type Json = Readonly<Record<string, unknown>>;

type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

type Sent = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Default that of the URL. */
  readonly host?: string;
};

/** Sends the requests of an SDK that is not at hand. */
export class ReproducedGraphClient {
  readonly #dialect: Dialect;
  readonly #base = new URL(variable('GRAPH_BASE_URL'));
  #token = '';

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Discovery, and then a token for the client's own credentials, as MSAL gets it. */
  async authenticate(): Promise<void> {
    const { scope, hosts, readsToken } = this.#dialect;
    const host = hosts?.login;
    const authority = `${variable('AZURE_AUTHORITY_HOST')}/${variable('AZURE_TENANT_ID')}`;
    const form = new URLSearchParams({
      client_id: variable('AZURE_CLIENT_ID'),
      client_secret: variable('AZURE_CLIENT_SECRET'),
      scope: scope(this.#base),
      grant_type: 'client_credentials',
      client_info: '1',
    });
    // MSAL knows the endpoints of Microsoft's own authorities.
    const endpoint =
      host === undefined ? await tokenEndpoint(authority) : `${authority}/oauth2/v2.0/token`;
    const answer = await send('POST', new URL(endpoint), {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      ...(host !== undefined && { host }),
    });
    this.#token = String(jsonOf(answer, 200)['access_token']);
    if (readsToken) isReadable(this.#token);
  }

  /** An action of a call. */
  action(callId: string, name: string, expected: number, body: Json): Promise<Answer> {
    return this.call('POST', `/calls/${callId}/${this.#dialect.action(name)}`, expected, body);
  }

  /** @param path behind `/communications`. Any status but `expected` throws. */
  async call(method: string, path: string, expected: number, body?: Json): Promise<Answer> {
    const { hosts, headers, compresses, order } = this.#dialect;
    const text = body === undefined ? undefined : JSON.stringify(ordered(body, order));
    const answer = await send(
      method,
      new URL(`${this.#base.pathname}/communications${path}`, this.#base),
      {
        headers: {
          ...headers(),
          authorization: `Bearer ${this.#token}`,
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...(text !== undefined && compresses && { 'content-encoding': 'gzip' }),
        },
        ...(text !== undefined && { body: compresses ? gzipSync(text) : text }),
        ...(hosts !== undefined && { host: hosts.graph }),
      },
    );
    if (answer.status !== expected) throw new Error(`${answer.status} ${answer.body.toString()}`);
    return answer;
  }

  /** recordResponse; also that its operation is where `Location` says. */
  async recordResponse(callId: string, body: Json): Promise<Json> {
    const answer = await this.action(callId, 'recordResponse', 200, body);
    const operation = jsonOf(answer, 200);
    const calls = `${this.#base.href}/communications/calls`;
    const location = `${calls}/${callId}/operations/${String(operation['id'])}`;
    same(answer.headers.location, location, 'Location');
    return operation;
  }
}

/** Of discovery. */
async function tokenEndpoint(authority: string): Promise<string> {
  const url = new URL(`${authority}/v2.0/.well-known/openid-configuration`);
  return String(jsonOf(await send('GET', url), 200)['token_endpoint']);
}

/** Example 2, by plain HTTP. */
export async function download(location: string, token: string): Promise<Buffer> {
  const answer = await send('GET', new URL(location), {
    headers: { authorization: `Bearer ${token}` },
  });
  same(answer.status, 200, 'status');
  return answer.body;
}

/** A JWT that says for whom it is. */
function isReadable(token: string): void {
  const [, claims = ''] = token.split('.');
  const { appid, tid } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Json;
  same(appid, variable('AZURE_CLIENT_ID'), 'appid of the token');
  same(tid, variable('AZURE_TENANT_ID'), 'tid of the token');
}

async function send(method: string, url: URL, { headers, body, host }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      headers: { ...headers, ...(host !== undefined && { host }) },
      // The name that is asked for is one of Microsoft's; the certificate is that of the server.
      ...(host !== undefined && { servername: 'localhost' }),
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      buffer(response).then((whole) => resolve({ status, headers: answered, body: whole }), reject);
    });
    sent.end(body);
  });
}

function jsonOf({ status, body }: Answer, expected: number): Json {
  const text = body.toString();
  if (status !== expected) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as Json;
}
