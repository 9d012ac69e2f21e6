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
import { isoTime, limitOf, PageQuery } from './page.ts';

const LinkBody = Type.Object({
  documentId: Type.String({ maxLength: 128 }),
  what: Type.Optional(Type.Union([Type.Literal('content'), Type.Literal('metadata')])),
  lifetimeSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LINK_LIFETIME_SECONDS })),
});

type Services = Pick<AdminServices, 'ledger' | 'clock' | 'links' | 'publicUrl'>;

/** `GET /admin/recordings` (newest first) and `POST /admin/links`. */
export function recordingListRoutes(routes: Routes, services: Services): void {
  const { ledger, clock, links, publicUrl } = services;

  routes.get('/admin/recordings', { schema: { querystring: PageQuery } }, async (request) => {
    const limit = limitOf(request.query);
    const before = request.query.before;
    const recordings = await ledger.recordings({
      limit,
      ...(before !== undefined && { before: Date.parse(before) }),
    });
    const value = await Promise.all(
      recordings.map(async (recording) =>
        toRecording(recording, await ledger.chunksOf(recording.recordingId)),
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
    const name = what === 'metadata' ? 'acsmetadata' : 'video';
    const path = `/v1/objects/${chunk.documentId}/content/${name}`;
    return {
      url: publicUrl() + links.sign(path, lifetimeSeconds),
      expiresAt: isoTime(clock.nowMs() + lifetimeSeconds * 1000),
    };
  });
}

function isGone(chunk: ChunkRecord, nowMs: number): boolean {
  return (
    chunk.deletedAtMs !== undefined ||
    (chunk.expiresAtMs !== undefined && chunk.expiresAtMs <= nowMs)
  );
}

function toRecording(
  recording: RecordingRecord,
  chunks: readonly ChunkRecord[],
): Record<string, unknown> {
  return {
    recordingId: recording.recordingId,
    serverCallId: recording.serverCallId,
    callConnectionId: recording.callConnectionId,
    state: recording.state,
    origin: recording.origin,
    startedAt: isoTime(recording.startedAtMs),
    endedAt: isoTime(recording.endedAtMs),
    endReason: recording.endReason,
    chunks: chunks.map((chunk) => ({
      documentId: chunk.documentId,
      index: chunk.index,
      sizeBytes: chunk.sizeBytes,
      durationMs: chunk.durationMs,
      sha256: chunk.sha256,
      createdAt: isoTime(chunk.createdAtMs),
      expiresAt: isoTime(chunk.expiresAtMs),
      deletedAt: isoTime(chunk.deletedAtMs),
    })),
  };
}
