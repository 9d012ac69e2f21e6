import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { DocumentId } from '../../core/ids.ts';
import type { ChunkRecord, RecordingRecord } from '../../core/records.ts';
import {
  DEFAULT_LINK_LIFETIME_SECONDS,
  MAX_LINK_LIFETIME_SECONDS,
} from '../../identity/signed-links.ts';
import type { Routes } from '../routes.ts';
import type { AdminServices } from './admin-routes.ts';
import { documentLink, type LinkServices } from './document-links.ts';
import { limitOf, PageQuery } from './page.ts';
import { toChunkBody, toRecordingBody } from './recording-models.ts';

const LinkBody = Type.Object({
  documentId: Type.String({ maxLength: 128 }),
  what: Type.Optional(Type.Union([Type.Literal('content'), Type.Literal('metadata')])),
  lifetimeSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LINK_LIFETIME_SECONDS })),
});

type Services = LinkServices & Pick<AdminServices, 'ledger'>;

/** `GET /admin/recordings` (newest first) and `POST /admin/links`. */
export function recordingListRoutes(routes: Routes, services: Services): void {
  const { ledger, clock } = services;

  routes.get('/admin/recordings', { schema: { querystring: PageQuery } }, async (request) => {
    const limit = limitOf(request.query);
    const before = request.query.before;
    const recordings = await ledger.recordings({
      limit,
      ...(before !== undefined && { before: Date.parse(before) }),
    });
    const value = await Promise.all(
      recordings.map(async (recording) =>
        toListed(recording, await ledger.chunksOf(recording.recordingId)),
      ),
    );
    return { value };
  });

  routes.post('/admin/links', { schema: { body: LinkBody } }, async (request) => {
    const { documentId, what, lifetimeSeconds = DEFAULT_LINK_LIFETIME_SECONDS } = request.body;
    const chunk = await ledger.chunk(documentId as DocumentId);
    if (chunk === undefined || isGone(chunk, clock.nowMs())) {
      throw new TapedeckError('content-not-found', 'Recording content not found.', {
        field: 'documentId',
      });
    }
    return documentLink(services, chunk, what ?? 'content', lifetimeSeconds);
  });
}

function toListed(
  recording: RecordingRecord,
  chunks: readonly ChunkRecord[],
): Record<string, unknown> {
  return { ...toRecordingBody(recording), chunks: chunks.map(toChunkBody) };
}

function isGone(chunk: ChunkRecord, nowMs: number): boolean {
  return (
    chunk.deletedAtMs !== undefined ||
    (chunk.expiresAtMs !== undefined && chunk.expiresAtMs <= nowMs)
  );
}
