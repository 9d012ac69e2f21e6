/** What the admin API answers, as far as the command shows it. */

export type ChunkAnswer = {
  readonly documentId: string;
  readonly index: number;
  /** `session`: announced by the recording's event; `rendering`: made later. */
  readonly purpose: 'session' | 'rendering';
  readonly channelType: string;
  /** `wav`, `mp3`: also what its name ends in. */
  readonly formatType: string;
  readonly channels: number;
  readonly sizeBytes: number;
  readonly durationMs: number;
  /** Of the media behind the header, hex. */
  readonly sha256: string;
  readonly expiresAt?: string;
  readonly deletedAt?: string;
};

export type DetailedChunk = ChunkAnswer & {
  readonly participants?: readonly { readonly participantId: string; readonly channel?: number }[];
  readonly export?: {
    readonly state: 'waiting' | 'done' | 'failed';
    readonly nextAttemptAt?: string;
    readonly error?: string;
  };
};

export type RecordingAnswer = {
  readonly recordingId: string;
  readonly serverCallId: string;
  readonly state: string;
  readonly origin: string;
  readonly channelType: string;
  readonly formatType: string;
  readonly startedAt: string;
  readonly endReason?: string;
  readonly chunks: readonly ChunkAnswer[];
};

export type DetailsAnswer = Omit<RecordingAnswer, 'chunks'> & {
  readonly endedAt?: string;
  readonly journalRemovedAt?: string;
  readonly plan: { readonly maxChannels: number };
  readonly container?: { readonly url: string; readonly folder: string };
  readonly chunks: readonly DetailedChunk[];
  readonly renderings: readonly DetailedChunk[];
};

export type AuditAnswer = {
  readonly at: string;
  readonly action: string;
  readonly actor: string;
  readonly recordingId: string;
  readonly documentId: string;
};

export type AttemptAnswer = {
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly httpStatus?: number;
  readonly error?: string;
};

export type DeliveryAnswer = {
  readonly destination: string;
  readonly state: string;
  readonly attemptCount: number;
  readonly nextAttemptAt?: string;
  readonly attempts?: readonly AttemptAnswer[];
};

export type EventAnswer = {
  readonly eventId: string;
  readonly kind: string;
  readonly type: string;
  readonly subject: string;
  readonly occurredAt: string;
  readonly data?: unknown;
  readonly deliveries: readonly DeliveryAnswer[];
};

/** A page of a list, newest first. */
export type Page<T> = { readonly value: readonly T[] };
