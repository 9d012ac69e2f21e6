import type { Fact } from '../../core/ports/ledger.ts';
import type { ChunkRecord, RecordingRecord } from '../../core/records.ts';
import type { EventPublisher } from './publisher.ts';

/** Where a chunk can be fetched and deleted. */
export type ContentLocations = {
  readonly contentLocation: string;
  readonly metadataLocation: string;
  readonly deleteLocation: string;
};

/** Where the files of a recording are, as its event says it. */
export type StoredIn = {
  readonly storageType: 'ACS' | 'AzureBlob';
  readonly locationsOf: (chunk: ChunkRecord) => ContentLocations;
};

/** The built-in storage. The last word is `video` for audio too, as in the vendor's locations. */
export function builtInStorage(baseUrl: string): StoredIn {
  return {
    storageType: 'ACS',
    locationsOf: ({ documentId }) => {
      const deleteLocation = `${baseUrl}/v1/objects/${documentId}`;
      return {
        contentLocation: `${deleteLocation}/content/video`,
        metadataLocation: `${deleteLocation}/content/acsmetadata`,
        deleteLocation,
      };
    },
  };
}

/** Events of a recording. */
export class RecordingEvents {
  readonly #publisher: EventPublisher;

  constructor(publisher: EventPublisher) {
    this.#publisher = publisher;
  }

  /** One for each transition; none when the start named no callback. */
  stateChanged(recording: RecordingRecord, correlationId: string): readonly Fact[] {
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
        state: recording.state === 'active' ? 'active' : 'inactive',
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

  /** One for all chunks of a recording. */
  fileStatusUpdated(
    recording: RecordingRecord,
    chunks: readonly ChunkRecord[],
    correlationId: string,
    stored: StoredIn,
  ): Fact {
    const { container, channels } = recording.plan.format;
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
            ...stored.locationsOf(chunk),
          })),
        },
        recordingStartTime: new Date(recording.startedAtMs).toISOString(),
        recordingDurationMs: chunks.reduce((sum, chunk) => sum + chunk.durationMs, 0),
        recordingContentType: 'Audio',
        recordingChannelType: channels === 'mixed' ? 'Mixed' : 'Unmixed',
        recordingFormatType: container === 'mp3' ? 'Mp3' : 'Wav',
        sessionEndReason: recording.endReason,
        recordingId: recording.recordingId,
        storageType: stored.storageType,
        serverCallId: recording.serverCallId,
        correlationId,
      },
    });
  }
}
