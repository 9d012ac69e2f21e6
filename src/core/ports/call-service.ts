import type { Identifier } from '../identifier.ts';
import type { AuditRecord, ChunkRecord, ExportRecord, RecordingRecord } from '../records.ts';
import type { BotCalls } from './bot-calls.ts';
import type { CallControl, MediaOperations, MediaStreamingOptions } from './call-control.ts';
import type { RenderFormat } from './render.ts';
import type { ResponseContent } from './response-recorder.ts';
import type {
  CallConnectionId,
  DocumentId,
  IncomingCallContext,
  RecordingId,
  ServerCallId,
} from '../ids.ts';

/** An answer as it is sent and, for a repeated request, stored and sent again. */
export type StoredAnswer = {
  /** HTTP status of the success. */
  readonly status: number;
  /** JSON text, or empty. */
  readonly body: string;
};

/**
 * Makes an operation happen once however often its request arrives (OASIS Repeatable Requests
 * 1.0). The use case commits `answer(result)` under `key` in the transaction that makes the
 * operation true; the API replays it from `Ledger.repeated`. Absent when the request carries no
 * repeatability header.
 */
export type Repeat<Result> = {
  /** Operation and `Repeatability-Request-ID`. */
  readonly key: string;
  readonly answer: (result: Result) => StoredAnswer;
};

export type CreateCall = {
  /** 1 to 350; the call begins with the first to accept. */
  readonly targets: readonly Identifier[];
  /** An absolute http or https URL. */
  readonly callbackUri: string;
  /** E.164. */
  readonly sourceCallerIdNumber?: string;
  readonly sourceDisplayName?: string;
  /** The application's own identity, if it named one. */
  readonly source?: Identifier;
  /** Echoed in the events of this operation only; at most 5000 characters. */
  readonly operationContext?: string;
  readonly mediaStreaming?: MediaStreamingOptions;
  /** Decides which event types the callbacks may carry: none that came after it. */
  readonly apiVersion: string;
  readonly repeat?: Repeat<ConnectionProperties>;
};

export type AnswerCall = {
  readonly incomingCallContext: IncomingCallContext;
  readonly callbackUri: string;
  readonly operationContext?: string;
  readonly answeredBy?: Identifier;
  readonly mediaStreaming?: MediaStreamingOptions;
  readonly apiVersion: string;
  readonly repeat?: Repeat<ConnectionProperties>;
};

export type RedirectCall = {
  readonly incomingCallContext: IncomingCallContext;
  readonly target: Identifier;
  readonly repeat?: Repeat<void>;
};

export type RejectCall = {
  readonly incomingCallContext: IncomingCallContext;
  readonly reason: 'none' | 'busy' | 'forbidden';
  readonly repeat?: Repeat<void>;
};

export type TerminateCall = {
  readonly callConnectionId: CallConnectionId;
  readonly repeat?: Repeat<void>;
};

/** What a recording is asked for by; exactly one. */
export type CallReference =
  | { readonly serverCallId: ServerCallId }
  | { readonly callConnectionId: CallConnectionId }
  /** The call of a group that is on. */
  | { readonly groupCallId: string };

/** What an application may ask for; only the built combinations reach the use case. */
export type RecordingShape = {
  readonly contentType: 'audio';
  readonly channelType: 'mixed' | 'unmixed';
  readonly formatType: 'wav' | 'mp3';
};

export type StartRecording = RecordingShape & {
  readonly call: CallReference;
  /** Begins paused: nothing is recorded until it is resumed. */
  readonly pauseOnStart?: boolean;
  /** Raw ids: the first gets channel 0 and so on, where affinity leaves them free. */
  readonly channelOrdering?: readonly string[];
  /** Raw ids with the channel that is theirs; each channel and each id at most once. */
  readonly channelAffinity?: readonly {
    readonly channel: number;
    readonly participantId: string;
  }[];
  /** URL of the container to which the files go as well (checked by `ContainerPort.check`). */
  readonly containerUrl?: string;
  /** An absolute http or https URL for RecordingStateChanged. */
  readonly stateCallbackUri?: string;
  readonly apiVersion: string;
  readonly repeat?: Repeat<RecordingStatus>;
};

/** What became of an application's wish to have the audio of its call on a web socket. */
export type MediaStreamingSubscription = {
  readonly id: string;
  /** `active`: audio flows, or is about to again after a loss. */
  readonly state: 'inactive' | 'active';
};

/** An application's view of a call it holds. */
export type ConnectionProperties = {
  readonly callConnectionId: CallConnectionId;
  readonly serverCallId: ServerCallId;
  readonly correlationId: string;
  readonly state: 'connecting' | 'connected' | 'disconnecting' | 'disconnected';
  readonly callbackUri: string;
  readonly targets: readonly Identifier[];
  readonly source?: Identifier;
  readonly sourceCallerIdNumber?: string;
  readonly sourceDisplayName?: string;
  /** Raw id of the user that answered. */
  readonly answeredBy?: string;
  /** Of a call that was taken with options for it, and is on. */
  readonly mediaStreaming?: MediaStreamingSubscription;
};

export type Participant = {
  readonly identifier: Identifier;
  readonly isMuted: boolean;
  readonly isOnHold: boolean;
};

export type RecordingStatus = {
  readonly recordingId: RecordingId;
  /** `inactive`: paused or over. */
  readonly state: 'active' | 'inactive';
};

/** A call as people who run the server see it. */
export type CallOverview = {
  readonly serverCallId: ServerCallId;
  readonly correlationId: string;
  readonly state: 'offered' | 'connecting' | 'connected';
  readonly startedBy: string;
  readonly createdAtMs: number;
  readonly participants: readonly Participant[];
  readonly activeRecordings: readonly RecordingId[];
};

/** A stored recording file, open for reading. */
export type OpenContent = {
  readonly sizeBytes: number;
  /** `audio/wav`, `audio/mpeg`. */
  readonly mediaType: string;
  /**
   * Bytes `start` to `end`, both included, in pieces that are lent: each is good until the next one is
   * asked for. May be called once.
   */
  range(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Frees the file; after the iteration has ended. Idempotent. */
  close(): Promise<void>;
};

/**
 * The files of recordings by document id. Unknown, deleted and expired: `content-not-found`. `actor` is
 * who asks, as the audit row will say it (`AuditRecord.actor`).
 */
export interface RecordingContent {
  /** Leaves an audit row; the many ranges of one download leave one a minute. */
  open(documentId: DocumentId, actor: string): Promise<OpenContent>;
  /** The metadata document, JSON text. Leaves an audit row as `open` does. */
  metadata(documentId: DocumentId, actor: string): Promise<string>;
  /** The waveform's peaks, per channel: JSON as `audiowaveform` writes it. */
  peaks(documentId: DocumentId): Promise<OpenContent>;
  /**
   * Removes media and metadata, and what could bring them back: the recording's journal and what was
   * rendered from it. A second removal is `content-not-found`.
   */
  remove(documentId: DocumentId, actor: string): Promise<void>;
}

/** Everything that is known of a recording; holds no secret. */
export type RecordingDetails = {
  readonly recording: Omit<RecordingRecord, 'exportTo'>;
  /** The caller's own container and the folder in it, without what grants access to it. */
  readonly exportTo: { readonly containerUrl: string; readonly folder: string } | undefined;
  /** Announced by the recording's event, by index; also those that are deleted. */
  readonly chunks: readonly ChunkRecord[];
  /** Made later by `renderAgain`; also those that are deleted. */
  readonly renderings: readonly ChunkRecord[];
  /** One a chunk, of a recording with a container. */
  readonly exports: readonly ExportRecord[];
};

/** What people who run the server do with recordings. Rejects as `CallService` does. */
export interface RecordingAdmin {
  /**
   * Makes another format or channel layout of a finished recording: the same chunks under the same
   * limits. Asked again it gives the same documents, made once. `recording-not-found`,
   * `recording-conflict` while it runs or is being finished, `recording-mode-unsupported` for MP3 with
   * channels, `content-not-found` when its journal is not kept any more.
   */
  renderAgain(
    recordingId: RecordingId,
    format: RenderFormat,
    actor: string,
  ): Promise<readonly ChunkRecord[]>;
  /**
   * Removes all files of a recording and its journal. `recording-not-found`, `recording-conflict` while it
   * runs or is being finished, `content-not-found` when nothing is left of it.
   */
  removeRecording(recordingId: RecordingId, actor: string): Promise<void>;
  /** `recording-not-found`. */
  details(recordingId: RecordingId): Promise<RecordingDetails>;
  /**
   * Newest first. A page ends at a whole millisecond, as that of `Ledger.recordings` does.
   * @param page.before only what happened before this, ms since 1970.
   */
  audit(page: {
    readonly limit: number;
    readonly before?: number;
  }): Promise<readonly AuditRecord[]>;
}

/**
 * The use cases, as the API sees them. Ids were issued by this server (the API has checked the
 * signature), but what they name may be gone: `call-not-found`, `recording-not-found`. Every method
 * rejects with `TapedeckError` only.
 */
export interface CallService {
  /** Resolves at once with state `connecting`. */
  createCall(command: CreateCall): Promise<ConnectionProperties>;
  answer(command: AnswerCall): Promise<ConnectionProperties>;
  redirect(command: RedirectCall): Promise<void>;
  reject(command: RejectCall): Promise<void>;
  connection(id: CallConnectionId): Promise<ConnectionProperties>;
  /** The application leaves; a call of two ends. */
  hangUp(id: CallConnectionId): Promise<void>;
  /** Ends the call for everyone. */
  terminate(command: TerminateCall): Promise<void>;
  participants(id: CallConnectionId): Promise<readonly Participant[]>;
  /** `participant-not-found` if nobody has this raw id. */
  participant(id: CallConnectionId, rawId: string): Promise<Participant>;
  startRecording(command: StartRecording): Promise<RecordingStatus>;
  /** Also of a recording that is over: `inactive`, or `recording-not-found`, by a setting. */
  recording(id: RecordingId): Promise<RecordingStatus>;
  /**
   * Resolves when nothing more is written. `recording-not-found` when it is over, `pause-not-allowed` if a
   * setting says so and it is paused, `not-permitted` for that of a route that does not allow it.
   */
  pauseRecording(id: RecordingId): Promise<void>;
  /** Resolves when what is said from now on is written. Rejects as `pauseRecording` does. */
  resumeRecording(id: RecordingId): Promise<void>;
  stopRecording(id: RecordingId): Promise<void>;
  /** Calls that are not over, oldest first. */
  calls(): Promise<readonly CallOverview[]>;
  readonly bots: BotCalls;
  readonly responses: ResponseContent;
  readonly control: CallControl;
  readonly operations: MediaOperations;
  readonly content: RecordingContent;
  readonly admin: RecordingAdmin;
}
