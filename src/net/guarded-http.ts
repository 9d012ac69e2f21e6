import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../core/ports/http-sender.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { HostResolver } from './host-resolver.ts';
import { KeptConnections, type KeptOptions } from './kept-connections.ts';
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
  readonly #kept = new KeptConnections();

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
      const agent = request.keepConnection === true && this.#kept.agentFor(url.protocol);
      return await exchange(url, addresses, request, ended.signal, agent);
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

/** One request to one of the checked addresses; without an agent on a connection of its own. */
function exchange(
  url: URL,
  addresses: readonly string[],
  request: HttpRequest,
  signal: AbortSignal,
  agent: Agent | false,
): Promise<HttpResponse> {
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  const options: KeptOptions = {
    method: request.method,
    headers: { ...request.headers, ...lengthOf(request.method, body) },
    agent,
    lookup: pinned(addresses),
    checkedAddresses: addresses,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    let isAnswered = false;
    const outgoing = send(url, options, (incoming) => {
      isAnswered = true;
      readAnswer(incoming, request.maxResponseBytes).then(resolve, reject);
    });
    outgoing.on('error', (error) => {
      if (isAnswered || signal.aborted || !wasClosedMeanwhile(outgoing, error)) reject(error);
      else exchange(url, addresses, request, signal, false).then(resolve, reject);
    });
    outgoing.end(body);
  });
}

/** A kept connection may be closed by the other side at the moment in which it is used again. */
function wasClosedMeanwhile(outgoing: ClientRequest, error: unknown): boolean {
  if (!outgoing.reusedSocket) return false;
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE';
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
