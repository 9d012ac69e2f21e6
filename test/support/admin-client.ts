import { createHash, createHmac } from 'node:crypto';
import type { ServerProcess } from './server-process.ts';

/** A request to a test's server over plain HTTP, signed with its access key. */
export async function signedFetch(
  server: ServerProcess,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const url = new URL(path, server.ready.http);
  const text = body === undefined ? '' : JSON.stringify(body);
  return fetch(url, {
    method,
    headers: { ...headers, ...signedHeaders(server, method, url, text) },
    ...(text === '' ? {} : { body: text }),
  });
}

/** Headers that sign a request with the server's access key. */
export function signedHeaders(
  server: ServerProcess,
  method: string,
  url: URL,
  text: string,
): Readonly<Record<string, string>> {
  const key = /accesskey=(.+)$/.exec(server.ready.connectionString)?.[1] ?? '';
  const date = new Date().toUTCString();
  const hash = createHash('sha256').update(text).digest('base64');
  const toSign = `${method}\n${url.pathname}${url.search}\n${date};${url.host};${hash}`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64'))
    .update(toSign)
    .digest('base64');
  return {
    'x-ms-date': date,
    'x-ms-content-sha256': hash,
    authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    ...(text === '' ? {} : { 'content-type': 'application/json' }),
  };
}

/** The same, with the answer's JSON; throws for any status but 2xx. */
export async function adminRequest(
  server: ServerProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await signedFetch(server, method, path, body);
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
  return answer === '' ? undefined : JSON.parse(answer);
}

export async function startSimulatedCall(
  server: ServerProcess,
  call: { readonly phone: string; readonly to: string },
): Promise<void> {
  await adminRequest(server, 'POST', '/admin/sim/calls', call);
}
