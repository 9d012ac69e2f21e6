import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { DocumentId } from '../../core/ids.ts';
import type { OpenContent, RecordingContent } from '../../core/ports/call-service.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Routes } from '../routes.ts';
import { parseRange } from './range.ts';

/** Document ids are ours; anything else names nothing. */
const DOCUMENT_ID = /^[A-Za-z0-9-]{1,128}$/;
/** As the service does. */
const CACHE_CONTROL = 'no-cache, max-age=0, s-maxage=0, private';

const Params = Type.Object({ document: Type.String() });

/**
 * Recording files and their metadata. Every answer says its length and range, and
 * nothing is ever redirected: SDKs lose their signature on the way.
 */
export function contentRoutes(routes: Routes, content: RecordingContent, log: Logger): void {
  const schema = { params: Params };

  routes.get('/v1/objects/:document/content/video', { schema }, async (request, reply) =>
    sendContent(request, reply, await content.open(documentId(request.params.document)), log),
  );

  routes.get('/v1/objects/:document/content/acsmetadata', { schema }, async (request, reply) => {
    const text = await content.metadata(documentId(request.params.document));
    return sendContent(request, reply, inMemory(Buffer.from(text), 'application/json'), log);
  });

  routes.delete('/v1/objects/:document', { schema }, async (request, reply) => {
    await content.remove(documentId(request.params.document));
    // 200 and nothing else: the SDKs take 204 for a failure.
    return reply.code(200).header('content-length', 0).send();
  });
}

function documentId(given: string): DocumentId {
  if (DOCUMENT_ID.test(given)) return given as DocumentId;
  throw new TapedeckError('content-not-found', 'Recording content not found.');
}

function inMemory(bytes: Uint8Array, mediaType: string): OpenContent {
  return {
    sizeBytes: bytes.length,
    mediaType,
    range: (start, end) => Readable.from([bytes.subarray(start, end + 1)]),
    close: () => Promise.resolve(),
  };
}

async function sendContent(
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
  const stream = Readable.from(content.range(start, end), { objectMode: false });
  // The stream closes after a read that is under way: no file is closed beneath one.
  stream.once('close', () => {
    content.close().catch((error: unknown) => {
      log.error({ error }, 'a recording file could not be closed');
    });
  });
  stream.once('error', (error) => {
    log.error({ error }, 'a recording file could not be read; its download was cut');
  });
  reply.raw.once('close', () => stream.destroy());
  return reply.send(stream);
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
