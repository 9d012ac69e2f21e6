import type { RecordingDetails } from '../../core/ports/call-service.ts';
import type {
  AuditRecord,
  ChunkRecord,
  ExportRecord,
  RecordingRecord,
} from '../../core/records.ts';
import { isoTime } from './page.ts';

/** What lists and details say of a recording. */
export function toRecordingBody(
  recording: Omit<RecordingRecord, 'exportTo' | 'journalDirectory'>,
): Record<string, unknown> {
  const { format } = recording.plan;
  return {
    recordingId: recording.recordingId,
    serverCallId: recording.serverCallId,
    callConnectionId: recording.callConnectionId,
    state: recording.state,
    origin: recording.origin,
    channelType: format.channels,
    formatType: format.container,
    startedAt: isoTime(recording.startedAtMs),
    endedAt: isoTime(recording.endedAtMs),
    endReason: recording.endReason,
  };
}

export function toChunkBody(chunk: ChunkRecord): Record<string, unknown> {
  return {
    documentId: chunk.documentId,
    index: chunk.index,
    purpose: chunk.purpose,
    channelType: chunk.format.channels,
    formatType: chunk.format.container,
    channels: chunk.channels,
    sizeBytes: chunk.sizeBytes,
    durationMs: chunk.durationMs,
    sha256: chunk.sha256,
    endReason: chunk.endReason,
    createdAt: isoTime(chunk.createdAtMs),
    expiresAt: isoTime(chunk.expiresAtMs),
    deletedAt: isoTime(chunk.deletedAtMs),
  };
}

/** Everything: the plan, who is on which channel, where the files are, what may still be made of it. */
export function toDetailsBody(details: RecordingDetails): Record<string, unknown> {
  const { recording, exportTo, chunks, renderings, exports } = details;
  const { channels, chunks: limits } = recording.plan;
  const exportOf = (chunk: ChunkRecord): Record<string, unknown> => {
    const record = exports.find((one) => one.documentId === chunk.documentId);
    return record === undefined ? {} : { export: toExportBody(record) };
  };
  return {
    ...toRecordingBody(recording),
    retentionMs: recording.retentionMs,
    journalRemovedAt: isoTime(recording.journalRemovedAtMs),
    plan: {
      maxChannels: channels.limit,
      pinnedChannels: channels.pinned,
      extraParticipants: channels.overflow,
      promptChannel: channels.played === 'own-channel' ? 'on' : 'off',
      chunkDurationMs: limits.durationMs,
      chunkBytes: limits.sizeBytes,
    },
    container: exportTo && { url: exportTo.containerUrl, folder: exportTo.folder },
    chunks: chunks.map((chunk) => ({
      ...toChunkBody(chunk),
      ...fromMetadata(chunk),
      ...exportOf(chunk),
    })),
    renderings: renderings.map((chunk) => ({ ...toChunkBody(chunk), ...fromMetadata(chunk) })),
  };
}

/** What is in the metadata document of the vendor's form only; that of a deleted chunk is empty. */
function fromMetadata(chunk: ChunkRecord): Record<string, unknown> {
  if (chunk.metadata === '') return {};
  const { chunkStartTime, participants, pauseResumeIntervals } = JSON.parse(
    chunk.metadata,
  ) as Record<string, unknown>;
  return { startedAt: chunkStartTime, participants, pauses: pauseResumeIntervals };
}

function toExportBody(record: ExportRecord): Record<string, unknown> {
  return {
    state: record.state,
    attempts: record.attempts,
    nextAttemptAt: record.state === 'waiting' ? isoTime(record.nextAttemptAtMs) : undefined,
    error: record.error,
  };
}

export function toAuditBody(record: AuditRecord): Record<string, unknown> {
  return {
    auditId: record.auditId,
    at: isoTime(record.atMs),
    action: record.action,
    actor: record.actor,
    recordingId: record.recordingId,
    documentId: record.documentId,
  };
}
