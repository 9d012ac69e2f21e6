import type { ErrorCode } from '../core/error-codes.ts';

export type HttpError = {
  readonly status: number;
  /** The vendor's sub-code, sent as a string in `error.code`. */
  readonly subCode: number;
  /** Seconds, for `Retry-After`: the SDKs retry 429 only when it is there. */
  readonly retryAfterSeconds?: number;
};

const NOT_FOUND: HttpError = { status: 404, subCode: 8522 };
const INVALID_ARGUMENT: HttpError = { status: 400, subCode: 8523 };
const DEFECT: HttpError = { status: 500, subCode: 9999 };

/** HTTP status and sub-code of every error. */
export const HTTP_ERRORS: Record<ErrorCode, HttpError> = {
  'argument-invalid': INVALID_ARGUMENT,
  'callback-uri-invalid': INVALID_ARGUMENT,
  'url-refused': INVALID_ARGUMENT,
  'call-not-found': NOT_FOUND,
  'participant-not-found': NOT_FOUND,
  'recording-not-found': NOT_FOUND,
  'content-not-found': NOT_FOUND,
  'operation-not-found': NOT_FOUND,
  'not-a-group-call': { status: 400, subCode: 8548 },
  'media-mode-invalid': { status: 400, subCode: 8500 },
  'event-not-found': NOT_FOUND,
  'subscription-not-found': NOT_FOUND,
  'call-not-established': { status: 400, subCode: 8501 },
  'call-ended': { status: 400, subCode: 8528 },
  'call-state-conflict': { status: 400, subCode: 8585 },
  'recording-already-running': { status: 400, subCode: 8559 },
  'recording-conflict': { status: 409, subCode: 8571 },
  'recording-mode-unsupported': { status: 400, subCode: 8562 },
  'recording-throttled': { status: 429, subCode: 8589, retryAfterSeconds: 5 },
  'pause-not-allowed': { status: 400, subCode: 8573 },
  'media-conflict': { status: 412, subCode: 8583 },
  'operations-throttled': { status: 429, subCode: 8589, retryAfterSeconds: 5 },
  'prompt-format': { status: 400, subCode: 8535 },
  'prompt-unreachable': { status: 400, subCode: 8536 },
  'speech-failed': { status: 500, subCode: 8565 },
  'signature-invalid': { status: 401, subCode: 7509 },
  'keys-unavailable': { status: 503, subCode: 9003, retryAfterSeconds: 5 },
  'not-permitted': { status: 403, subCode: 7504 },
  'options-missing': { status: 405, subCode: 8522 },
  'not-supported': { status: 405, subCode: 8520 },
  'too-many-requests': { status: 429, subCode: 8516, retryAfterSeconds: 5 },
  'ports-exhausted': { status: 503, subCode: 8530, retryAfterSeconds: 5 },
  'shutting-down': { status: 503, subCode: 9003, retryAfterSeconds: 5 },
  'storage-low': { status: 503, subCode: 8589, retryAfterSeconds: 60 },
  'destination-unreachable': { status: 502, subCode: 9001 },
  'destination-refused': { status: 502, subCode: 9001 },
  'disk-failed': DEFECT,
  'journal-invalid': DEFECT,
  'blob-mismatch': DEFECT,
  'database-failed': DEFECT,
  'worker-failed': DEFECT,
  internal: DEFECT,
  // Errors of starting; no request can meet them.
  'port-in-use': DEFECT,
  'option-invalid': DEFECT,
  'option-unbuilt': DEFECT,
  'data-dir-unusable': DEFECT,
  'data-dir-in-use': DEFECT,
};
