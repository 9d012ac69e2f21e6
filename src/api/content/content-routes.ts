import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { DocumentId } from '../../core/ids.ts';
import type { RecordingContent } from '../../core/ports/call-service.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Routes } from '../routes.ts';
import { inMemory, sendContent } from './send-content.ts';

/** Document ids are ours; anything else names nothing. */
const DOCUMENT_ID = /^[A-Za-z0-9-]{1,128}$/;

const Params = Type.Object({ document: Type.String() });

/**
 * Recording files and their metadata. Every answer says its length and range, and
 * nothing is ever redirected: SDKs lose their signature on the way.
 */
export function contentRoutes(routes: Routes, content: RecordingContent, log: Logger): void {
  const schema = { params: Params };

  routes.get('/v1/objects/:document/content/video', { schema }, async (request, reply) =>
    sendContent(
      request,
      reply,
      await content.open(documentIdOf(request.params.document), request.actor),
      log,
    ),
  );

  routes.get('/v1/objects/:document/content/acsmetadata', { schema }, async (request, reply) => {
    const text = await content.metadata(documentIdOf(request.params.document), request.actor);
    return sendContent(request, reply, inMemory(Buffer.from(text), 'application/json'), log);
  });

  routes.delete('/v1/objects/:document', { schema }, async (request, reply) => {
    await content.remove(documentIdOf(request.params.document), request.actor);
    // 200 and nothing else: the SDKs take 204 for a failure.
    return reply.code(200).header('content-length', 0).send();
  });
}

/** Throws `content-not-found`. */
export function documentIdOf(given: string): DocumentId {
  if (DOCUMENT_ID.test(given)) return given as DocumentId;
  throw new TapedeckError('content-not-found', 'Recording content not found.');
}
