import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OpenContent } from '../../core/ports/call-service.ts';
import type { Logger } from '../../core/ports/log.ts';
import { parseRange } from './range.ts';
import { sendPieces } from './send-pieces.ts';

/** As the service does. */
const CACHE_CONTROL = 'no-cache, max-age=0, s-maxage=0, private';

/** Up to this it is cheaper to copy an answer than to send its head alone. */
const COPIED_BYTES = 64 * 1024;

/** A document that is at hand. */
export function inMemory(bytes: Uint8Array, mediaType: string): OpenContent {
  return {
    sizeBytes: bytes.length,
    mediaType,
    range: (start, end) => Readable.from([bytes.subarray(start, end + 1)]),
    close: () => Promise.resolve(),
  };
}

/**
 * Answers with the file, or the range of it that was asked for, and closes it however the answer
 * goes. A file that is removed meanwhile is read to its end: it is open.
 */
export async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  content: OpenContent,
  log: Logger,
): Promise<unknown> {
  const { sizeBytes } = content;
  const range = parseRange(request.headers.range, sizeBytes);
  reply.header('accept-ranges', 'bytes').header('cache-control', CACHE_CONTROL);
  if (range.kind === 'unsatisfiable') {
    await content.close();
    reply.header('content-range', `bytes */${sizeBytes}`);
    throw new RangeNotSatisfiable(sizeBytes);
  }
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, sizeBytes - 1];
  reply
    .code(range.kind === 'part' ? 206 : 200)
    .type(content.mediaType)
    .header('content-length', end - start + 1)
    .header('content-range', sizeBytes === 0 ? 'bytes */0' : `bytes ${start}-${end}/${sizeBytes}`);
  // The reader may have gone already; then nobody will iterate.
  if (request.raw.destroyed || sizeBytes === 0) {
    await content.close();
    return reply.send(Buffer.alloc(0));
  }
  // Past the framework, whose streams would copy each piece.
  reply.hijack();
  const response = reply.raw;
  response.writeHead(reply.statusCode, headersOf(reply));
  // Together with the first piece it would be sent at once, but all of it copied.
  if (end - start >= COPIED_BYTES) response.flushHeaders();
  try {
    await sendPieces(response, content.range(start, end));
  } catch (error) {
    log.error({ error }, 'a recording file could not be read; its download was cut');
    response.destroy();
  }
  await content.close().catch((error: unknown) => {
    log.error({ error }, 'a recording file could not be closed');
  });
  return reply;
}

function headersOf(reply: FastifyReply): OutgoingHttpHeaders {
  return reply.getHeaders() as OutgoingHttpHeaders;
}

/** Its status is its own: not one of the errors that use cases throw. */
export class RangeNotSatisfiable extends Error {
  override readonly name = 'RangeNotSatisfiable';
  readonly code = 'RANGE_NOT_SATISFIABLE';
  readonly statusCode = 416;

  constructor(sizeBytes: number) {
    super(`The file has ${sizeBytes} bytes; the range begins behind its end.`);
  }
}
