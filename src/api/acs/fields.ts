import { isIP } from 'node:net';
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

/** Where callers may want to be called back. */
export class CallbackUris {
  readonly #permits: (address: string) => boolean;

  /** @param permits whether requests may go to this IP address. */
  constructor(permits: (address: string) => boolean) {
    this.#permits = permits;
  }

  /**
   * An absolute http or https URL, as it was written. Names are resolved, and checked again, when
   * something is sent; what can be known now is refused now, while the caller listens.
   */
  check(given: string, field: string): string {
    const problem = this.#problemOf(given, ['http', 'https']);
    if (problem === undefined) return given;
    const message = `Invalid argument: the CallbackUri in ${field} ${problem}.`;
    throw new TapedeckError('callback-uri-invalid', message, { field });
  }

  /** As `check`, of a web socket. */
  checkSocket(given: string, field: string): string {
    const problem = this.#problemOf(given, ['ws', 'wss']);
    if (problem === undefined) return given;
    throw new TapedeckError('url-refused', `Invalid argument: ${field} ${problem}.`, { field });
  }

  #problemOf(given: string, schemes: readonly [string, string]): string | undefined {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !schemes.includes(url.protocol.slice(0, -1))) {
      return `has to be an absolute ${schemes.join(' or ')} URL`;
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const address = host === 'localhost' ? '127.0.0.1' : host;
    if (isIP(address) === 0 || this.#permits(address)) return undefined;
    return `points to ${host}, which --allow-private-urls does not allow`;
  }
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
