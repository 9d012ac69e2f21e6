import type { RenderedChunk, RenderFormat } from '../core/ports/render.ts';
import type { ChunkRecord, RecordingRecord } from '../core/records.ts';
import { CHUNK_END_REASON } from './recording-end.ts';
import { metadataDocument } from './recording-metadata.ts';

/** A stored file as the ledger keeps it, with its metadata document. */
export function chunkRecord(
  chunk: RenderedChunk,
  of: {
    readonly recording: RecordingRecord;
    readonly purpose: ChunkRecord['purpose'];
    readonly format: RenderFormat;
    readonly resourceId: string;
    /** Of the call. */
    readonly correlationId: string;
    readonly createdAtMs: number;
    readonly expiresAtMs: number | undefined;
  },
): ChunkRecord {
  const { recording, purpose, format, createdAtMs, expiresAtMs } = of;
  return {
    documentId: chunk.documentId,
    recordingId: recording.recordingId,
    index: chunk.index,
    purpose,
    format,
    channels: chunk.channels,
    blobKey: chunk.blobKey,
    peaksKey: chunk.peaksKey,
    sizeBytes: chunk.sizeBytes,
    durationMs: chunk.durationMs,
    sha256: chunk.sha256,
    endReason: CHUNK_END_REASON[chunk.ending],
    metadata: metadataDocument(recording, chunk, {
      format,
      resourceId: of.resourceId,
      callId: of.correlationId,
    }),
    createdAtMs,
    expiresAtMs,
    deletedAtMs: undefined,
    purgedAtMs: undefined,
  };
}

/** As HTTP names the format of a file. */
export function mediaTypeOf(format: RenderFormat): string {
  return format.container === 'mp3' ? 'audio/mpeg' : 'audio/wav';
}
