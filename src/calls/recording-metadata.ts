import type { RenderedChunk } from '../core/ports/render.ts';
import type { RecordingRecord } from '../core/records.ts';

/** The metadata document of a chunk, and what only we can say, under `tapedeck`. */
export function metadataDocument(
  recording: RecordingRecord,
  chunk: RenderedChunk,
  owner: { readonly resourceId: string; readonly callId: string },
): string {
  return JSON.stringify({
    resourceId: owner.resourceId,
    callId: owner.callId,
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
      channelType: 'mixed',
      format: 'wav',
      audioConfiguration: {
        sampleRate: chunk.sampleRateHz,
        bitRate: chunk.bitRate,
        channels: chunk.channels,
      },
    },
    participants: chunk.participants.map(({ participantId, channel }) =>
      channel === undefined ? { participantId } : { participantId, channel },
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
