import type { Fact } from '../../core/ports/ledger.ts';
import type { ChunkRecord, RecordingRecord } from '../../core/records.ts';
import type { EventPublisher } from './publisher.ts';

/** Where a chunk can be fetched and deleted. */
export type ContentLocations = {
  readonly contentLocation: string;
  readonly metadataLocation: string;
  readonly deleteLocation: string;
};

/** The last word is `video` for audio too, as in the vendor's locations. */
export function contentLocations(baseUrl: string, documentId: string): ContentLocations {
  const deleteLocation = `${baseUrl}/v1/objects/${documentId}`;
  return {
    contentLocation: `${deleteLocation}/content/video`,
    metadataLocation: `${deleteLocation}/content/acsmetadata`,
    deleteLocation,
  };
}

/** Events of a recording. */
export class RecordingEvents {
  readonly #publisher: EventPublisher;
  readonly #contentBaseUrl: () => string;

  constructor(publisher: EventPublisher, contentBaseUrl: () => string) {
    this.#publisher = publisher;
    this.#contentBaseUrl = contentBaseUrl;
  }

  /** None when the start named no callback. */
  stateChanged(
    recording: RecordingRecord,
    correlationId: string,
    state: 'active' | 'inactive',
  ): readonly Fact[] {
    if (recording.stateCallbackUri === undefined) return [];
    const subject = `calling/recordings/${recording.serverCallId}/recordingId/${recording.recordingId}`;
    return this.#publisher.callback({
      name: 'RecordingStateChanged',
      uri: recording.stateCallbackUri,
      orderKey: recording.recordingId,
      apiVersion: recording.apiVersion,
      source: `${subject}/RecordingStateChanged`,
      subject,
      data: {
        version: recording.apiVersion,
        recordingId: recording.recordingId,
        state,
        startDateTime: new Date(recording.startedAtMs).toISOString(),
        recordingKind: 'azureCommunicationServices',
        ...(recording.callConnectionId === undefined
          ? {}
          : { callConnectionId: recording.callConnectionId }),
        serverCallId: recording.serverCallId,
        correlationId,
        resultInformation: { code: 200, subCode: 0, message: 'Success.' },
        publicEventType: 'Microsoft.Communication.RecordingStateChanged',
      },
    });
  }

  fileStatusUpdated(
    recording: RecordingRecord,
    chunks: readonly ChunkRecord[],
    correlationId: string,
  ): Fact {
    return this.#publisher.grid({
      name: 'RecordingFileStatusUpdated',
      subject:
        `/recording/call/${correlationId}/serverCallId/${recording.serverCallId}` +
        `/recordingId/${recording.recordingId}`,
      data: {
        recordingStorageInfo: {
          recordingChunks: chunks.map((chunk) => ({
            documentId: chunk.documentId,
            index: chunk.index,
            endReason: chunk.endReason,
            ...contentLocations(this.#contentBaseUrl(), chunk.documentId),
          })),
        },
        recordingStartTime: new Date(recording.startedAtMs).toISOString(),
        recordingDurationMs: chunks.reduce((sum, chunk) => sum + chunk.durationMs, 0),
        recordingContentType: 'Audio',
        recordingChannelType: 'Mixed',
        recordingFormatType: 'Wav',
        sessionEndReason: recording.endReason,
        recordingId: recording.recordingId,
        storageType: 'ACS',
        serverCallId: recording.serverCallId,
        correlationId,
      },
    });
  }
}
