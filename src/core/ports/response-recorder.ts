import type { Identifier } from '../identifier.ts';
import type { DocumentId } from '../ids.ts';
import type { Tone } from '../tone.ts';
import type { Operation } from './call-control.ts';
import type { OpenContent } from './call-service.ts';
import type { PlaySource } from './prompts.ts';

/** Prompts, a beep, and then what a caller says. */
export type RecordResponse = Operation & {
  /** Names it from now on: lower-case UUID, never used twice. */
  readonly operationId: string;
  /** Whose voice, and who hears prompt and beep; `undefined`: everybody in the call. */
  readonly of?: Identifier;
  /** Played one after the other, before the beep; may be none. */
  readonly prompts: readonly PlaySource[];
  readonly playBeep: boolean;
  /** Ends every operation of the call that plays or records, or waits to, instead of waiting for them. */
  readonly bargeIn: boolean;
  /** From the end of the beep to the first word. */
  readonly initialSilenceMs: number;
  /** After a word. */
  readonly maxSilenceMs: number;
  /** From the end of the beep. */
  readonly maxDurationMs: number;
  /** In the prompt, one of them ends that; in the recording, one ends it and is cut off. */
  readonly stopTones: readonly Tone[];
};

/** How one ended. With `*` there is a recording of it. */
export type ResponseOutcome =
  /** `*` */
  | 'max-duration'
  /** `*` */
  | 'max-silence'
  /** `*` */
  | 'stop-tone'
  /** `*` Somebody spoke, and then nothing more was received, or the call was over. */
  | 'media-stopped'
  /** Nobody spoke. */
  | 'initial-silence'
  /** Nothing was received from the caller. */
  | 'no-media'
  /** By the application, or by an operation that pushes others aside. */
  | 'canceled'
  | 'prompt-unreachable'
  | 'prompt-format'
  | 'prompt-failed'
  | 'beep-failed'
  /** The call was over, or whom it is of had left, before a word. */
  | 'call-ended'
  | 'failed';

/** What is told of its end, once; plain data. */
export type ResponseCompletion = {
  readonly operationId: string;
  readonly outcome: ResponseOutcome;
  readonly status: 'completed' | 'failed';
  readonly resultInformation: {
    readonly code: number;
    readonly subCode: number;
    readonly message: string;
  };
  /** As recordCompletionReason of the Graph API. */
  readonly completionReason: string;
  /** With the outcome `stop-tone`. */
  readonly stopTone?: Tone;
  readonly recording?: ResponseFile;
};

/** A stored response: WAV, 16 bits, mono, 16 kHz (or MP3, where the configuration says so). */
export type ResponseFile = {
  readonly documentId: DocumentId;
  /** Absolute URL; opened with the token of the document (`ResponseTokens`) as `Authorization: Bearer`. */
  readonly location: string;
  readonly sizeBytes: number;
  readonly durationMs: number;
};

/** `OperationEnding.name` of what is told of its end; `OperationEnding.data` is a `ResponseCompletion`. */
export const RESPONSE_ENDED = 'RecordResponseEnded';

/** What is known of one, as long as its file may be there. */
export type ResponseStatus = Pick<Operation, 'callConnectionId' | 'operationContext'> & {
  readonly operationId: string;
  /** `undefined` until it has ended. */
  readonly completion: ResponseCompletion | undefined;
};

/** Records what callers answer. By the same queue as everything that is played into a call. */
export interface ResponseRecorder {
  /**
   * Resolves when it is accepted, and durable: whatever happens, its end is told by exactly one event, before
   * the end of its connection and of the call, also after a crash. Rejects as `MediaOperations` does
   * (`operations-throttled`: 64 wait already), and with `disk-failed` and `storage-low`.
   */
  recordResponse(command: RecordResponse): Promise<void>;
  /** `undefined` for one that never was, or is removed. */
  response(operationId: string): Promise<ResponseStatus | undefined>;
}

/** Stored responses. */
export interface ResponseContent {
  /** Rejects with `signature-invalid` if the token is of another file, and with `content-not-found`. */
  openResponse(documentId: DocumentId, accessToken: string): Promise<OpenContent>;
  /** Removes it for good, before its time. Rejects likewise. */
  removeResponse(documentId: DocumentId, accessToken: string): Promise<void>;
}

/** Tokens that open one file each. */
export interface ResponseTokens {
  /** The same whenever it is asked. */
  tokenOf(documentId: DocumentId): string;
  isTokenOf(documentId: DocumentId, token: string): boolean;
}
