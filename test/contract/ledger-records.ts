import type {
  AttemptRecord,
  AuditRecord,
  CallRecord,
  ChunkRecord,
  ConnectionRecord,
  DeliveryRecord,
  EventRecord,
  ExportRecord,
  LegRecord,
  OperationRecord,
  RecordingRecord,
  RepeatabilityRecord,
  ResponseRecord,
  SubscriptionRecord,
} from '../../src/core/records.ts';

/** Records with every field set, for suites; `with…` replaces what the test speaks of. */
export const START_MS: number = Date.UTC(2026, 3, 2, 9);

export function aCall(serverCallId: string, with_: Partial<CallRecord> = {}): CallRecord {
  return {
    serverCallId: serverCallId as CallRecord['serverCallId'],
    correlationId: 'correlation',
    state: 'connected',
    startedBy: '4:+15550100',
    createdAtMs: START_MS,
    connectedAtMs: START_MS + 1_000,
    endedAtMs: undefined,
    incomingCallContext: undefined,
    groupCallId: undefined,
    ...with_,
  };
}

export function aConnection(id: string, with_: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    callConnectionId: id as ConnectionRecord['callConnectionId'],
    serverCallId: 'call-1' as ConnectionRecord['serverCallId'],
    state: 'connected',
    callbackUri: 'http://127.0.0.1:9/callback?a=b',
    operationContext: 'context "quoted" – ü',
    apiVersion: '2026-03-12',
    targets: ['4:+15550100', 'sip:a@b'],
    source: '8:acs:resource_user',
    sourceCallerIdNumber: '+15550101',
    sourceDisplayName: undefined,
    answeredBy: undefined,
    createdAtMs: START_MS,
    ...with_,
  };
}

export function aLeg(legId: string, with_: Partial<LegRecord> = {}): LegRecord {
  return {
    legId: legId as LegRecord['legId'],
    serverCallId: 'call-1' as LegRecord['serverCallId'],
    participantId: '4:+15550100',
    dialog: { callId: 'x', route: ['<sip:a;lr>'], cseq: 7 },
    state: 'up',
    ...with_,
  };
}

export function anOperation(id: string, with_: Partial<OperationRecord> = {}): OperationRecord {
  return {
    operationId: id,
    callConnectionId: 'connection-1' as OperationRecord['callConnectionId'],
    serverCallId: 'call-1' as OperationRecord['serverCallId'],
    endings: [
      {
        name: 'PlayFailed',
        request: { operationContext: 'context "quoted" – ü', operationCallbackUri: 'http://a/?b' },
        data: { resultInformation: { code: 500, subCode: 10_045, message: 'restarted' } },
      },
    ],
    ...with_,
  };
}

export function aResponse(id: string, with_: Partial<ResponseRecord> = {}): ResponseRecord {
  return {
    operationId: id,
    callConnectionId: 'connection-1' as ResponseRecord['callConnectionId'],
    serverCallId: 'call-1' as ResponseRecord['serverCallId'],
    operationContext: 'context "quoted" – ü',
    documentId: `0-td-1-${id}` as ResponseRecord['documentId'],
    recordingId: `recording of ${id}` as ResponseRecord['recordingId'],
    container: 'wav',
    isKept: false,
    acceptedAtMs: START_MS,
    completion: {
      operationId: id,
      outcome: 'stop-tone',
      status: 'completed',
      resultInformation: { code: 200, subCode: 8514, message: 'done' },
      completionReason: 'stopToneDetected',
      stopTone: '#',
      recording: {
        documentId: `0-td-1-${id}` as ResponseRecord['documentId'],
        location: `https://tapedeck.test/recordings/0-td-1-${id}`,
        sizeBytes: 44,
        durationMs: 0.5,
      },
    },
    removedAtMs: undefined,
    ...with_,
  };
}

export function aRecording(id: string, with_: Partial<RecordingRecord> = {}): RecordingRecord {
  return {
    recordingId: id as RecordingRecord['recordingId'],
    serverCallId: 'call-1' as RecordingRecord['serverCallId'],
    callConnectionId: undefined,
    state: 'active',
    origin: 'api',
    apiVersion: '2026-03-12',
    stateCallbackUri: undefined,
    journalDirectory: 'journals/1',
    documentId: `0-td-1-${id}` as RecordingRecord['documentId'],
    plan: {
      format: { container: 'wav', channels: 'unmixed' },
      channels: {
        limit: 5,
        pinned: [{ participantId: '4:+15550100', channel: 2 }],
        overflow: 'leave-out',
      },
      chunks: { durationMs: 14_400_000, sizeBytes: 4_000_000_000 },
    },
    exportTo: { containerUrl: 'https://account.test/container?sig=s', folder: '20260402/c/r' },
    startedByConnection: true,
    startedAtMs: START_MS,
    endedAtMs: undefined,
    endReason: undefined,
    retentionMs: 86_400_000,
    journalRemovedAtMs: undefined,
    ...with_,
  };
}

export function aChunk(documentId: string, with_: Partial<ChunkRecord> = {}): ChunkRecord {
  return {
    documentId: documentId as ChunkRecord['documentId'],
    recordingId: 'recording-1' as ChunkRecord['recordingId'],
    index: 0,
    purpose: 'session',
    format: { container: 'wav', channels: 'unmixed' },
    channels: 2,
    blobKey: 'recordings/1.wav',
    peaksKey: 'recordings/1.peaks.json',
    // Longer than 32 bits hold.
    sizeBytes: 6_000_000_000,
    durationMs: 14_400_000,
    sha256: 'ab'.repeat(32),
    endReason: 'SessionEnded',
    metadata: '{"resourceId":"r"}',
    createdAtMs: START_MS,
    expiresAtMs: START_MS + 86_400_000,
    deletedAtMs: undefined,
    purgedAtMs: undefined,
    ...with_,
  };
}

export function anExport(documentId: string, with_: Partial<ExportRecord> = {}): ExportRecord {
  return {
    documentId: documentId as ExportRecord['documentId'],
    recordingId: 'recording-1' as ExportRecord['recordingId'],
    state: 'waiting',
    attempts: 2,
    nextAttemptAtMs: START_MS + 60_000,
    expiresAtMs: START_MS + 86_400_000,
    error: 'destination-refused: 403',
    ...with_,
  };
}

export function anAudit(auditId: string, with_: Partial<AuditRecord> = {}): AuditRecord {
  return {
    auditId,
    atMs: START_MS,
    action: 'downloaded',
    recordingId: 'recording-1' as AuditRecord['recordingId'],
    documentId: '0-td-1-a' as AuditRecord['documentId'],
    actor: 'access-key 192.0.2.1',
    ...with_,
  };
}

export function anEvent(eventId: string, with_: Partial<EventRecord> = {}): EventRecord {
  return {
    eventId,
    kind: 'grid',
    type: 'Microsoft.Communication.CallStarted',
    source: '',
    subject: 'call/call-1/startedBy/4:+15550100',
    occurredAtMs: START_MS,
    data: '{"serverCallId":"call-1"}',
    ...with_,
  };
}

export function aDelivery(
  deliveryId: string,
  eventId: string,
  with_: Partial<DeliveryRecord> = {},
): DeliveryRecord {
  return {
    deliveryId,
    eventId,
    destination: 'hook',
    state: 'waiting',
    orderKey: undefined,
    attempts: 0,
    nextAttemptAtMs: START_MS,
    expiresAtMs: START_MS + 86_400_000,
    maxAttempts: 30,
    ...with_,
  };
}

export function anAttempt(
  deliveryId: string,
  attempt: number,
  with_: Partial<AttemptRecord> = {},
): AttemptRecord {
  return {
    deliveryId,
    attempt,
    startedAtMs: START_MS,
    durationMs: 12,
    httpStatus: 200,
    error: undefined,
    ...with_,
  };
}

export function aSubscription(
  name: string,
  with_: Partial<SubscriptionRecord> = {},
): SubscriptionRecord {
  return {
    name,
    endpoint: 'https://example.test/hook',
    schema: 'eventgrid',
    includedTypes: [],
    state: 'active',
    maxAttempts: 30,
    timeToLiveMinutes: 1440,
    headers: {},
    origin: 'configuration',
    validationCode: 'code',
    createdAtMs: START_MS,
    ...with_,
  };
}

export function anAnswer(
  key: string,
  with_: Partial<RepeatabilityRecord> = {},
): RepeatabilityRecord {
  return { key, status: 201, body: '{"a":1}', storedAtMs: START_MS, ...with_ };
}
