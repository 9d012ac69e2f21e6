import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId, IdCodec, RecordingId, ServerCallId } from '../../core/ids.ts';

/** The .NET SDK's own limit. */
export const MAX_OPERATION_CONTEXT_CHARACTERS = 5_000;
export const MAX_URI_CHARACTERS = 8_192;
/** Far longer than any id or context of ours. */
export const MAX_TOKEN_CHARACTERS = 4_096;

/** The one of `allowed` that the caller means, whatever its case. */
export function oneOf<Value extends string>(
  allowed: readonly Value[],
  given: string,
  field: string,
): Value {
  const found = allowed.find((value) => value.toLowerCase() === given.toLowerCase());
  if (found !== undefined) return found;
  throw new TapedeckError(
    'argument-invalid',
    `Invalid argument: ${field} has to be one of ${allowed.join(', ')}.`,
    { field },
  );
}

/** An absolute http or https URL, as it was written. */
export function callbackUri(given: string, field: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return given;
  throw new TapedeckError(
    'callback-uri-invalid',
    `Invalid argument: the CallbackUri in ${field} has to be an absolute http or https URL.`,
    { field },
  );
}

/** Refuses a field of an operation that is not built, rather than ignore what it asks for. */
export function refuseUnbuilt(
  body: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): void {
  const given = fields.find((field) => body[field] !== undefined);
  if (given === undefined) return;
  throw new TapedeckError('not-supported', `${given} is not supported by this server yet.`, {
    field: given,
  });
}

/** Tells our ids from others; what we did not issue is not found. */
export class IdFields {
  readonly #ids: IdCodec;

  constructor(ids: IdCodec) {
    this.#ids = ids;
  }

  callConnection(id: string): CallConnectionId {
    if (this.#ids.ownerOf('callConnection', id) === undefined) {
      throw new TapedeckError(
        'call-not-found',
        'Call not found: no call has this callConnectionId.',
      );
    }
    return id as CallConnectionId;
  }

  serverCall(id: string): ServerCallId {
    if (this.#ids.ownerOf('serverCall', id) === undefined) {
      throw new TapedeckError('call-not-found', 'Call not found: no call has this serverCallId.');
    }
    return id as ServerCallId;
  }

  recording(id: string): RecordingId {
    if (this.#ids.ownerOf('recording', id) === undefined) {
      throw new TapedeckError('recording-not-found', 'Recording not found.');
    }
    return id as RecordingId;
  }
}
