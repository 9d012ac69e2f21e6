import type {
  CallConnectionId,
  DocumentId,
  IncomingCallContext,
  LegId,
  RecordingId,
  ServerCallId,
} from './ids.ts';
import type { ExportTarget } from './ports/export.ts';
import type { RenderFormat, RenderPlan } from './ports/render.ts';
import type { ResponseCompletion } from './ports/response-recorder.ts';
import type { StoredDialog } from './ports/signalling.ts';

/** Rows as the ledger keeps them: plain data, one type a table. All times are wall clock, ms. */

export type CallRecord = {
  readonly serverCallId: ServerCallId;
  readonly correlationId: string;
  readonly state: 'offered' | 'connecting' | 'connected' | 'ended';
  /** Raw id of who began the call. */
  readonly startedBy: string;
  readonly createdAtMs: number;
  readonly connectedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** Set for a call that waits for an application. */
  readonly incomingCallContext: IncomingCallContext | undefined;
  /** What a route made it the call of; `undefined` for all others. */
  readonly groupCallId: string | undefined;
};

export type ConnectionRecord = {
  readonly callConnectionId: CallConnectionId;
  readonly serverCallId: ServerCallId;
  readonly state: 'connecting' | 'connected' | 'disconnected';
  readonly callbackUri: string;
  readonly operationContext: string | undefined;
  /** Of the request that made it; events newer than it are held back. */
  readonly apiVersion: string;
  /** Raw ids. */
  readonly targets: readonly string[];
  readonly source: string | undefined;
  readonly sourceCallerIdNumber: string | undefined;
  readonly sourceDisplayName: string | undefined;
  readonly answeredBy: string | undefined;
  readonly createdAtMs: number;
  /** Set where a bot holds the call by the Graph API: it gets notifications instead of callbacks. */
  readonly bot?: BotHold | undefined;
};

/** What is known of a bot that holds a call. */
export type BotHold = {
  readonly applicationId: string;
  readonly tenantId: string;
  readonly applicationName: string;
  readonly direction: 'incoming' | 'outgoing';
  /** Of the bot itself, in the call's roster. */
  readonly participantId: string;
  /** Who handles the media: we, or the application, which may have nothing played then. */
  readonly media: 'service-hosted' | 'application-hosted';
  /** How its operations' `status` is spelled: `running` or `Running`. */
  readonly operationStatus: 'camelCase' | 'PascalCase';
};

/** A leg that is or was up; kept so that a restart can end its dialog. */
export type LegRecord = {
  readonly legId: LegId;
  readonly serverCallId: ServerCallId;
  readonly participantId: string;
  readonly dialog: StoredDialog | undefined;
  readonly state: 'up' | 'ended';
};

export type RecordingRecord = {
  readonly recordingId: RecordingId;
  readonly serverCallId: ServerCallId;
  readonly callConnectionId: CallConnectionId | undefined;
  /** `finishing`: the journal has ended, the file is not stored yet. `done` may have no chunk. */
  readonly state: 'active' | 'paused' | 'finishing' | 'done' | 'failed';
  /** Who asked for it; those of routes are outside the API's reach. */
  readonly origin: 'api' | 'route';
  readonly apiVersion: string;
  readonly stateCallbackUri: string | undefined;
  readonly journalDirectory: string;
  /** Of the first chunk. */
  readonly documentId: DocumentId;
  readonly plan: RenderPlan;
  readonly exportTo: ExportTarget | undefined;
  /** Started by `callConnectionId`: ends when that connection leaves the call. */
  readonly startedByConnection: boolean;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** As events carry it: `CallEnded`, `RecordingStopped`, … */
  readonly endReason: string | undefined;
  /** `undefined` = kept until deleted. */
  readonly retentionMs: number | undefined;
  /** `undefined` = the journal is kept: other formats can be made of it. */
  readonly journalRemovedAtMs: number | undefined;
};

/** A stored file of a recording, announced by the event of the same transaction. */
export type ChunkRecord = {
  readonly documentId: DocumentId;
  readonly recordingId: RecordingId;
  readonly index: number;
  /** `session`: announced by the recording's event. `rendering`: made later, on request. */
  readonly purpose: 'session' | 'rendering';
  readonly format: RenderFormat;
  readonly channels: number;
  readonly blobKey: string;
  readonly peaksKey: string;
  readonly sizeBytes: number;
  readonly durationMs: number;
  /** Of the media: the file without its header. */
  readonly sha256: string;
  readonly endReason: string;
  /** The metadata document as it is served, JSON; empty once it is deleted. */
  readonly metadata: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  /** From then on nobody reads it. */
  readonly deletedAtMs: number | undefined;
  /** Its bytes are gone, and those that it could be made from; a start completes what is deleted only. */
  readonly purgedAtMs: number | undefined;
};

/** The copying of a chunk to the caller's container. */
export type ExportRecord = {
  readonly documentId: DocumentId;
  readonly recordingId: RecordingId;
  /** `waiting`: tried again until `expiresAtMs`, then `failed`. */
  readonly state: 'waiting' | 'done' | 'failed';
  readonly attempts: number;
  readonly nextAttemptAtMs: number;
  readonly expiresAtMs: number;
  /** Of the latest attempt, in words. */
  readonly error: string | undefined;
};

/** Who did what with a recording; outlives it. */
export type AuditRecord = {
  readonly auditId: string;
  readonly atMs: number;
  readonly action: 'downloaded' | 'metadata-read' | 'deleted' | 'expired' | 'rendered';
  readonly recordingId: RecordingId;
  readonly documentId: DocumentId;
  /** `access-key`, `admin-token`, `signed-link`, `retention`; with the address where there is one. */
  readonly actor: string;
};

/** An event as it happened, before any envelope. */
export type EventRecord = {
  readonly eventId: string;
  /**
   * `callback`: Call Automation CloudEvent to one URI. `grid`: Event Grid event to subscriptions.
   * `notification`: Graph notification to one URI.
   */
  readonly kind: 'callback' | 'grid' | 'notification';
  /** Full type, `Microsoft.Communication.CallConnected`; of notifications the type of the resource. */
  readonly type: string;
  /** CloudEvents `source` for callbacks; `''` for the others (the topic is added on delivery). */
  readonly source: string;
  readonly subject: string;
  readonly occurredAtMs: number;
  /** JSON object; of notifications a `BotNotification`. */
  readonly data: string;
};

/** What a bot is notified of, with what its delivery needs to know. */
export type BotNotification = {
  /** The audience of the token that comes with it. */
  readonly applicationId: string;
  readonly tenantId: string;
  /** Names all that belongs to one call. */
  readonly callChainId: string;
  /** As it stands in `value` of the POST. */
  readonly notification: Readonly<Record<string, unknown>>;
  /** A stored response of which it tells: whoever sends it adds the token, which is kept nowhere. */
  readonly tokenOf?: DocumentId;
};

/** One destination of an event. */
export type DeliveryRecord = {
  readonly deliveryId: string;
  readonly eventId: string;
  /** Callback URI, or name of the event subscription. */
  readonly destination: string;
  readonly state: 'waiting' | 'delivered' | 'dead';
  /**
   * Deliveries with one key go out one after the other, in order of commit; `undefined` = unordered.
   */
  readonly orderKey: string | undefined;
  readonly attempts: number;
  readonly nextAttemptAtMs: number;
  /** After this no attempt is made any more. */
  readonly expiresAtMs: number;
  readonly maxAttempts: number;
};

export type AttemptRecord = {
  readonly deliveryId: string;
  /** From 1. */
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly httpStatus: number | undefined;
  /** Why it failed, in words; `undefined` for a success. */
  readonly error: string | undefined;
};

export type SubscriptionRecord = {
  readonly name: string;
  readonly endpoint: string;
  readonly schema: 'eventgrid' | 'cloudevents';
  /** Full types; empty = every type. */
  readonly includedTypes: readonly string[];
  readonly state: 'pending' | 'awaiting-manual' | 'active' | 'failed';
  readonly maxAttempts: number;
  readonly timeToLiveMinutes: number;
  /** Custom delivery headers, at most 10. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it was configured; configuration wins over what the admin API made. */
  readonly origin: 'configuration' | 'admin';
  readonly validationCode: string;
  readonly createdAtMs: number;
};

/** A callback of an operation, without what is the same for its whole connection. */
export type OperationEnding = {
  /** Without prefix: `PlayFailed`. */
  readonly name: string;
  /** What its request said of its events. */
  readonly request: {
    readonly operationContext?: string;
    readonly operationCallbackUri?: string;
    readonly operationId?: string;
  };
  readonly data: Readonly<Record<string, unknown>>;
};

/** An operation that was accepted, until its end is told. */
export type OperationRecord = {
  readonly operationId: string;
  readonly callConnectionId: CallConnectionId;
  readonly serverCallId: ServerCallId;
  /** What is told of its end when the process is gone before that. */
  readonly endings: readonly OperationEnding[];
};

/** A response that is recorded, or is there to be downloaded; nothing is kept of one that is removed. */
export type ResponseRecord = {
  readonly operationId: string;
  readonly callConnectionId: CallConnectionId;
  readonly serverCallId: ServerCallId;
  readonly operationContext: string | undefined;
  /** Names its file and its journal. */
  readonly documentId: DocumentId;
  /** Of its journal. */
  readonly recordingId: RecordingId;
  readonly container: RenderFormat['container'];
  /** Until it is deleted, and not only for a while after its call. */
  readonly isKept: boolean;
  readonly acceptedAtMs: number;
  /** `undefined` until its end is told. */
  readonly completion: ResponseCompletion | undefined;
  /** From then on nobody reads it. */
  readonly removedAtMs: number | undefined;
};

/** An answer kept for a repeated request (OASIS Repeatable Requests 1.0). */
export type RepeatabilityRecord = {
  /** Operation and `Repeatability-Request-ID`. */
  readonly key: string;
  readonly status: number;
  /** JSON, or empty. */
  readonly body: string;
  readonly storedAtMs: number;
};
