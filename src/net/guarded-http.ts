import { type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../core/ports/http-sender.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { HostResolver } from './host-resolver.ts';
import { permittedAddresses, pinned, reasonOf } from './permitted-addresses.ts';

const MAX_RESPONSE_HEADER_BYTES = 16_384;

/**
 * The one way out for URLs that callers give. A name is resolved once and the
 * connection goes to the very address that was checked, so that a second answer of DNS cannot
 * lead elsewhere. Redirects are not followed: a receiver of events has to be named as it is, and
 * credentials for a container go to the container only.
 */
export class GuardedHttp implements HttpSender {
  readonly #policy: AddressPolicy;
  readonly #resolver: HostResolver;
  readonly #clock: Clock;

  constructor(policy: AddressPolicy, resolver: HostResolver, clock: Clock) {
    this.#policy = policy;
    this.#resolver = resolver;
    this.#clock = clock;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const url = httpUrl(request.url);
    const ended = new AbortController();
    let why = 'was ended';
    const timer = this.#clock.setTimer(request.timeoutMs, () => {
      why = `did not answer within ${request.timeoutMs} ms`;
      ended.abort();
    });
    const onAbort = (): void => {
      ended.abort();
    };
    request.signal?.addEventListener('abort', onAbort, { once: true });
    if (request.signal?.aborted === true) ended.abort();
    try {
      const addresses = await permittedAddresses(url, this.#policy, this.#resolver, ended.signal);
      ended.signal.throwIfAborted();
      return await exchange(url, addresses, request, ended.signal);
    } catch (cause) {
      if (cause instanceof TapedeckError) throw cause;
      const reason = ended.signal.aborted ? why : reasonOf(cause);
      throw new TapedeckError('destination-unreachable', `${url.origin} ${reason}.`, { cause });
    } finally {
      timer.cancel();
      request.signal?.removeEventListener('abort', onAbort);
    }
  }
}

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new TapedeckError('url-refused', 'Only absolute http and https URLs can be reached.');
}

/** One request on a connection of its own, to one of the checked addresses. */
function exchange(
  url: URL,
  addresses: readonly string[],
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  const options: RequestOptions = {
    method: request.method,
    headers: { ...request.headers, ...lengthOf(request.method, body) },
    agent: false,
    lookup: pinned(addresses),
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, options, (incoming) => {
      readAnswer(incoming, request.maxResponseBytes).then(resolve, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What only asks has no content, and says nothing of its length (RFC 9110 §8.6). */
function lengthOf(method: HttpRequest['method'], body: Uint8Array): { 'content-length'?: number } {
  const isQuestion = method === 'GET' || method === 'HEAD';
  return isQuestion && body.length === 0 ? {} : { 'content-length': body.length };
}

async function readAnswer(incoming: IncomingMessage, maxBytes: number): Promise<HttpResponse> {
  const parts: Buffer[] = [];
  let room = maxBytes;
  // Leaving the loop early destroys the connection: the rest is never read.
  if (room > 0) {
    for await (const part of incoming as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, room));
      room -= part.length;
      if (room <= 0) break;
    }
  }
  incoming.destroy();
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, values]) => [
        name,
        (values ?? []).join(', '),
      ]),
    ),
    body: Buffer.concat(parts),
  };
}
