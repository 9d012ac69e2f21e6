import type { RenderedChunk, RenderFormat } from '../core/ports/render.ts';
import type { RecordingRecord } from '../core/records.ts';

/** The metadata document of a chunk, and what only we can say, under `tapedeck`. */
export function metadataDocument(
  recording: RecordingRecord,
  chunk: RenderedChunk,
  of: {
    readonly format: RenderFormat;
    readonly resourceId: string;
    readonly callId: string;
  },
): string {
  return JSON.stringify({
    resourceId: of.resourceId,
    callId: of.callId,
    chunkDocumentId: chunk.documentId,
    chunkIndex: chunk.index,
    chunkStartTime: new Date(chunk.startedAtMs).toISOString(),
    chunkDuration: chunk.durationMs,
    pauseResumeIntervals: chunk.pauses.map((pause) => ({
      startTime: new Date(pause.startedAtMs).toISOString(),
      duration: pause.durationMs,
    })),
    recordingInfo: {
      contentType: 'audio',
      channelType: of.format.channels,
      format: of.format.container,
      audioConfiguration: {
        sampleRate: chunk.sampleRateHz,
        bitRate: chunk.bitRate,
        channels: chunk.channels,
      },
    },
    participants: chunk.participants.map(({ participantId, channel }) =>
      channel === undefined || of.format.channels === 'mixed'
        ? { participantId }
        : { participantId, channel },
    ),
    tapedeck: {
      recordingId: recording.recordingId,
      serverCallId: recording.serverCallId,
      sizeBytes: chunk.sizeBytes,
      samplesSha256: chunk.sha256,
      latePackets: chunk.latePackets,
      tornJournalBytes: chunk.tornBytes,
      endReason: recording.endReason,
    },
  });
}
