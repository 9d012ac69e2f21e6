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
} from '../records.ts';
import type { CallConnectionId, DocumentId, RecordingId, ServerCallId } from '../ids.ts';
import type { ResponseLedger } from './response-ledger.ts';

/** One thing that became true. Records replace an earlier record of the same id as a whole. */
export type Fact =
  | { readonly kind: 'call'; readonly record: CallRecord }
  | { readonly kind: 'connection'; readonly record: ConnectionRecord }
  | { readonly kind: 'leg'; readonly record: LegRecord }
  | { readonly kind: 'recording'; readonly record: RecordingRecord }
  | { readonly kind: 'chunk'; readonly record: ChunkRecord }
  | { readonly kind: 'export'; readonly record: ExportRecord }
  /** Never replaced: what happened stays as it was written first. */
  | { readonly kind: 'audit'; readonly record: AuditRecord }
  | {
      readonly kind: 'event';
      readonly event: EventRecord;
      readonly deliveries: readonly DeliveryRecord[];
    }
  | { readonly kind: 'subscription'; readonly record: SubscriptionRecord }
  | { readonly kind: 'subscription-removed'; readonly name: string }
  | { readonly kind: 'repeatability'; readonly record: RepeatabilityRecord }
  /** Under way from now on; once more when a restart would tell something else of it. */
  | { readonly kind: 'operation-accepted'; readonly record: OperationRecord }
  /** Nothing is kept of it. */
  | { readonly kind: 'operation-ended'; readonly operationId: string }
  | { readonly kind: 'response'; readonly record: ResponseRecord }
  /** Nothing is kept of it. */
  | { readonly kind: 'response-removed'; readonly operationId: string };

/** What the calls, the API and the delivery know for sure. */
export interface Ledger extends ResponseLedger {
  /**
   * All facts or none, durable when this resolves. Waiting commits share one sync. Like every
   * method here, rejects with `database-failed`, `too-many-requests` when too much waits already,
   * and `shutting-down` after the database was closed.
   */
  commit(facts: readonly Fact[]): Promise<void>;

  call(id: ServerCallId): Promise<CallRecord | undefined>;
  connection(id: CallConnectionId): Promise<ConnectionRecord | undefined>;
  recording(id: RecordingId): Promise<RecordingRecord | undefined>;
  chunk(id: DocumentId): Promise<ChunkRecord | undefined>;
  /** Those of its event first, each purpose by format and index; deleted ones too. */
  chunksOf(id: RecordingId, purpose?: ChunkRecord['purpose']): Promise<readonly ChunkRecord[]>;
  /** Newest first. */
  recordings(page: {
    readonly limit: number;
    /** Only those that started before this, ms since 1970. */
    readonly before?: number;
  }): Promise<readonly RecordingRecord[]>;
  /**
   * What a restart has to finish: calls not ended, legs up, recordings active, paused or finishing, and
   * operations not ended, in the order in which they were accepted.
   */
  unfinished(): Promise<{
    readonly calls: readonly CallRecord[];
    readonly connections: readonly ConnectionRecord[];
    readonly legs: readonly LegRecord[];
    readonly recordings: readonly RecordingRecord[];
    readonly operations: readonly OperationRecord[];
  }>;
  /** Journal directories of the recordings that keep theirs, and of all responses (their names at least): what lies beside them belongs to nobody. */
  journalDirectories(): Promise<readonly string[]>;
  /** Chunks whose retention has passed and that are not deleted. */
  expiredChunks(nowMs: number, limit: number): Promise<readonly ChunkRecord[]>;
  /** Chunks that are deleted and whose bytes may still be there. */
  unpurgedChunks(limit: number): Promise<readonly ChunkRecord[]>;
  /**
   * Finished recordings that keep their journal and ended at or before this, oldest end first; not those
   * with a chunk that waits to be exported.
   */
  keptJournals(endedUntilMs: number, limit: number): Promise<readonly RecordingRecord[]>;
  exportsOf(id: RecordingId): Promise<readonly ExportRecord[]>;
  /** Every export that waits. */
  waitingExports(): Promise<readonly ExportRecord[]>;
  /** Newest first; a page ends at a whole millisecond, as that of `recordings` may. */
  audit(page: {
    readonly limit: number;
    /** Only what happened before this, ms since 1970. */
    readonly before?: number;
  }): Promise<readonly AuditRecord[]>;
  forgetAuditBefore(atMs: number): Promise<void>;
  subscriptions(): Promise<readonly SubscriptionRecord[]>;
  repeated(key: string): Promise<RepeatabilityRecord | undefined>;
  forgetRepeatedBefore(storedAtMs: number): Promise<void>;
}

export type DueDelivery = { readonly delivery: DeliveryRecord; readonly event: EventRecord };

export type DeliveryOutcome =
  | { readonly state: 'delivered' }
  | { readonly state: 'waiting'; readonly nextAttemptAtMs: number }
  | { readonly state: 'dead'; readonly reason: string };

/** The outbox: events that wait for their receivers. */
export interface Outbox {
  /**
   * Leases up to `limit` deliveries that are due, for `leaseMs`. Of deliveries that share an
   * `orderKey` only the oldest undelivered one is ever due.
   */
  claimDue(nowMs: number, limit: number, leaseMs: number): Promise<readonly DueDelivery[]>;
  /** Stores the attempt and what follows from it. May be lost by a power cut (then it is repeated). */
  settle(attempt: AttemptRecord, outcome: DeliveryOutcome): Promise<void>;
  /** Ends the lease of a delivery that was not attempted: it waits on, or has outlived its time. */
  settleUnattempted(deliveryId: string, outcome: DeliveryOutcome, nowMs: number): Promise<void>;
  /** The destination became able to receive: what waits for it, never attempted, is due now. */
  hasten(destination: string, nowMs: number): Promise<void>;
  /** Ends every lease. For a start at which nobody else can be delivering: one node, one process. */
  releaseLeases(nowMs: number): Promise<void>;
  /** When the next delivery becomes due, or `undefined` if none waits. */
  nextDueAtMs(): Promise<number | undefined>;
  /** Newest first, with destination and state, for people. */
  events(page: {
    readonly limit: number;
    readonly beforeMs?: number;
  }): Promise<
    readonly { readonly event: EventRecord; readonly deliveries: readonly DeliveryRecord[] }[]
  >;
  event(eventId: string): Promise<
    | {
        readonly event: EventRecord;
        readonly deliveries: readonly DeliveryRecord[];
        readonly attempts: readonly AttemptRecord[];
      }
    | undefined
  >;
  /**
   * Makes all deliveries of the event due again, with their attempts counted from 0. Resolves with
   * how many there are.
   */
  redeliver(eventId: string, nowMs: number): Promise<number>;
  /** Removes delivered and dead events older than this. */
  forgetBefore(occurredAtMs: number): Promise<void>;
}
