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
} from '../core/records.ts';
import type { Columns, Stored } from './row-codec.ts';

export const callColumns: Columns<CallRecord> = {
  serverCallId: 'text',
  correlationId: 'text',
  state: 'text',
  startedBy: 'text',
  createdAtMs: 'integer',
  connectedAtMs: 'integer',
  endedAtMs: 'integer',
  incomingCallContext: 'text',
  groupCallId: 'text',
};

export const connectionColumns: Columns<ConnectionRecord> = {
  callConnectionId: 'text',
  serverCallId: 'text',
  state: 'text',
  callbackUri: 'text',
  operationContext: 'text',
  apiVersion: 'text',
  targets: 'json',
  source: 'text',
  sourceCallerIdNumber: 'text',
  sourceDisplayName: 'text',
  answeredBy: 'text',
  createdAtMs: 'integer',
  bot: 'json',
};

export const legColumns: Columns<LegRecord> = {
  legId: 'text',
  serverCallId: 'text',
  participantId: 'text',
  dialog: 'json',
  state: 'text',
};

export const recordingColumns: Columns<RecordingRecord> = {
  recordingId: 'text',
  serverCallId: 'text',
  callConnectionId: 'text',
  state: 'text',
  origin: 'text',
  apiVersion: 'text',
  stateCallbackUri: 'text',
  journalDirectory: 'text',
  documentId: 'text',
  plan: 'json',
  exportTo: 'json',
  startedByConnection: 'boolean',
  startedAtMs: 'integer',
  endedAtMs: 'integer',
  endReason: 'text',
  retentionMs: 'integer',
  journalRemovedAtMs: 'integer',
};

export const chunkColumns: Columns<ChunkRecord> = {
  documentId: 'text',
  recordingId: 'text',
  index: 'integer',
  purpose: 'text',
  format: 'json',
  channels: 'integer',
  blobKey: 'text',
  peaksKey: 'text',
  sizeBytes: 'integer',
  durationMs: 'integer',
  sha256: 'text',
  endReason: 'text',
  metadata: 'text',
  createdAtMs: 'integer',
  expiresAtMs: 'integer',
  deletedAtMs: 'integer',
  purgedAtMs: 'integer',
};

export const exportColumns: Columns<ExportRecord> = {
  documentId: 'text',
  recordingId: 'text',
  state: 'text',
  attempts: 'integer',
  nextAttemptAtMs: 'integer',
  expiresAtMs: 'integer',
  error: 'text',
};

export const auditColumns: Columns<AuditRecord> = {
  auditId: 'text',
  atMs: 'integer',
  action: 'text',
  recordingId: 'text',
  documentId: 'text',
  actor: 'text',
};

export const eventColumns: Columns<EventRecord> = {
  eventId: 'text',
  kind: 'text',
  type: 'text',
  source: 'text',
  subject: 'text',
  occurredAtMs: 'integer',
  data: 'text',
};

export const deliveryColumns: Columns<DeliveryRecord> = {
  deliveryId: 'text',
  eventId: 'text',
  destination: 'text',
  state: 'text',
  orderKey: 'text',
  attempts: 'integer',
  nextAttemptAtMs: 'integer',
  expiresAtMs: 'integer',
  maxAttempts: 'integer',
};

export const attemptColumns: Columns<AttemptRecord> = {
  deliveryId: 'text',
  attempt: 'integer',
  startedAtMs: 'integer',
  durationMs: 'integer',
  httpStatus: 'integer',
  error: 'text',
};

export const subscriptionColumns: Columns<SubscriptionRecord> = {
  name: 'text',
  endpoint: 'text',
  schema: 'text',
  includedTypes: 'json',
  state: 'text',
  maxAttempts: 'integer',
  timeToLiveMinutes: 'integer',
  headers: 'json',
  origin: 'text',
  validationCode: 'text',
  createdAtMs: 'integer',
};

export const repeatabilityColumns: Columns<RepeatabilityRecord> = {
  key: 'text',
  status: 'integer',
  body: 'text',
  storedAtMs: 'integer',
};

export const operationColumns: Columns<OperationRecord> = {
  operationId: 'text',
  callConnectionId: 'text',
  serverCallId: 'text',
  endings: 'json',
};

export const responseColumns: Columns<ResponseRecord> = {
  operationId: 'text',
  callConnectionId: 'text',
  serverCallId: 'text',
  operationContext: 'text',
  documentId: 'text',
  recordingId: 'text',
  container: 'text',
  isKept: 'boolean',
  acceptedAtMs: 'integer',
  completion: 'json',
  removedAtMs: 'integer',
};

/** What a delivery's row has beside the record. */
export type DeliveryBookkeeping = {
  /** Grows with every delivery that is committed: the order of those that share an order key. */
  sequence: number;
  /** How long the delivery may be tried, counted from its commit or its redelivery. */
  timeToLiveMs: number;
  /** Names the last claim, so that the claimed rows can be read back. */
  claimId: string | null;
  /** Why it is dead. */
  deadReason: string | null;
};

/** The tables as Kysely sees them; the plugin writes their names and columns in snake case. */
export type Tables = {
  calls: Stored<CallRecord>;
  connections: Stored<ConnectionRecord>;
  legs: Stored<LegRecord>;
  recordings: Stored<RecordingRecord>;
  chunks: Stored<ChunkRecord>;
  exports: Stored<ExportRecord>;
  audit: Stored<AuditRecord>;
  events: Stored<EventRecord>;
  deliveries: Stored<DeliveryRecord> & DeliveryBookkeeping;
  attempts: Stored<AttemptRecord> & { sequence: number };
  subscriptions: Stored<SubscriptionRecord>;
  repeatability: Stored<RepeatabilityRecord>;
  /** By `sequence` in the order in which they were accepted. */
  operations: Stored<OperationRecord> & { sequence: number };
  responses: Stored<ResponseRecord>;
};
