import { Readable } from 'node:stream';
import type { HttpOperationResponse, IHttpClient, WebResource } from '@azure/storage-blob';
import { TapedeckError } from '../../core/error.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../../core/ports/http-sender.ts';

/** A block of the largest size that we read, and what the service says beside it. */
const MAX_ANSWER_BYTES = 320 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * The SDK's way to the network: our guarded client, so that the SDK opens no socket of its own and
 * every address is checked. Answers are read whole, up to 320 KiB.
 */
export function azureHttpClient(sender: HttpSender): IHttpClient {
  return {
    async sendRequest(request: WebResource): Promise<HttpOperationResponse> {
      const { abortSignal } = request;
      const answer = await sender.send({
        method: methodOf(request.method),
        url: request.url,
        headers: request.headers.toJson(),
        body: bodyOf(request.body),
        timeoutMs: REQUEST_TIMEOUT_MS,
        maxResponseBytes: MAX_ANSWER_BYTES,
        ...(abortSignal instanceof AbortSignal ? { signal: abortSignal } : {}),
      });
      return toSdkResponse(request, answer);
    },
  };
}

function toSdkResponse(request: WebResource, answer: HttpResponse): HttpOperationResponse {
  const headers = request.headers.clone();
  for (const name of headers.headerNames()) headers.remove(name);
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, value);
  // The SDK would follow it, and sign the next request for wherever it leads.
  headers.remove('location');
  const { status } = answer;
  if (request.method === 'HEAD') return { request, headers, status };
  const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength);
  return request.streamResponseStatusCodes?.has(status) === true
    ? { request, headers, status, readableStreamBody: Readable.from([body], { objectMode: false }) }
    : { request, headers, status, bodyAsText: body.toString() };
}

function methodOf(method: WebResource['method']): HttpRequest['method'] {
  if (method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE') {
    return method;
  }
  throw new TapedeckError('internal', `blobs need no ${method}`);
}

function bodyOf(body: unknown): string | Uint8Array {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  throw new TapedeckError('internal', 'a block is neither bytes nor text');
}
