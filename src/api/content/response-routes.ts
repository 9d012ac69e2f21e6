import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { OpenContent } from '../../core/ports/call-service.ts';
import type { ResponseContent } from '../../core/ports/response-recorder.ts';
import type { Routes } from '../routes.ts';
import { documentIdOf } from './content-routes.ts';
import { parseRange } from './range.ts';
import { RangeNotSatisfiable } from './send-content.ts';

const Params = Type.Object({ document: Type.String() });
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/**
 * What callers said to recordResponse. Each location has a token of its own, which opens it and nothing else.
 * The whole file is sent in chunks without a length, as the vendor's service does.
 */
export function responseRoutes(routes: Routes, content: ResponseContent): void {
  const schema = { params: Params };
  const open = (request: FastifyRequest<{ Params: { document: string } }>): Promise<OpenContent> =>
    content.openResponse(documentIdOf(request.params.document), tokenOf(request));

  routes.get('/recordings/:document', { schema }, async (request, reply) =>
    send(request, reply, await open(request)),
  );

  routes.head('/recordings/:document', { schema }, async (request, reply) => {
    const file = await open(request);
    await file.close();
    return describe(reply, file.mediaType).header('content-length', file.sizeBytes).send();
  });

  routes.delete('/recordings/:document', { schema }, async (request, reply) => {
    await content.removeResponse(documentIdOf(request.params.document), tokenOf(request));
    return reply.code(204).send();
  });
}

/** Throws `signature-invalid`. */
function tokenOf({ headers }: FastifyRequest): string {
  const token = BEARER.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw new TapedeckError(
    'signature-invalid',
    'Not authenticated: recordingAccessToken is missing. It goes into the header Authorization: Bearer.',
  );
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  content: OpenContent,
): Promise<unknown> {
  const { sizeBytes, mediaType } = content;
  const range = parseRange(request.headers.range, sizeBytes);
  if (range.kind === 'unsatisfiable') {
    await content.close();
    reply.header('content-range', `bytes */${sizeBytes}`);
    throw new RangeNotSatisfiable(sizeBytes);
  }
  describe(reply, mediaType);
  if (range.kind === 'full') return reply.send(Readable.from(piecesOf(content, 0, sizeBytes - 1)));
  const { start, end } = range;
  return reply
    .code(206)
    .header('content-range', `bytes ${start}-${end}/${sizeBytes}`)
    .header('content-length', end - start + 1)
    .send(Readable.from(piecesOf(content, start, end)));
}

function describe(reply: FastifyReply, mediaType: string): FastifyReply {
  return reply.type(mediaType).header('accept-ranges', 'bytes').header('cache-control', 'no-store');
}

/** Closes the file however the iteration ends. */
async function* piecesOf(
  content: OpenContent,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  try {
    // They are lent, and a stream reads ahead.
    for await (const piece of content.range(start, end)) yield Buffer.from(piece);
  } finally {
    await content.close();
  }
}
