/** What the admin API answers, as far as the command shows it. */

export type ChunkAnswer = {
  readonly documentId: string;
  readonly index: number;
  readonly sizeBytes: number;
  readonly durationMs: number;
  /** Hex. */
  readonly sha256: string;
  readonly deletedAt?: string;
};

export type RecordingAnswer = {
  readonly recordingId: string;
  readonly serverCallId: string;
  readonly state: string;
  readonly origin: string;
  readonly startedAt: string;
  readonly endReason?: string;
  readonly chunks: readonly ChunkAnswer[];
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
