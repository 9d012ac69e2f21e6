import type { Logger } from '../../core/ports/log.ts';
import { toFailure } from '../failure.ts';

/** An answer of the Graph API that has no error of the use cases behind it. */
export class GraphFailure extends Error {
  override readonly name = 'GraphFailure';
  readonly status: number;
  /** As `error.code` has it. */
  readonly code: string;

  constructor(
    status: number,
    code: string,
    message: string,
    options?: { readonly cause: unknown },
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

export type GraphError = {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;
};

/** What a bot is told about an error. Defects of ours are logged here and not told. */
export function toGraphError(error: unknown, log: Logger): GraphError {
  if (error instanceof GraphFailure) {
    const { status, code, message } = error;
    return { status, code, message, field: undefined, retryAfterSeconds: undefined };
  }
  const { status, subCode, message, field, retryAfterSeconds } = toFailure(error, log);
  // What the vendor has and this server has not is a feature, not a method, that is missing.
  const isUnbuilt = status === 405;
  return {
    status: isUnbuilt ? 501 : status,
    code: String(subCode),
    message,
    field,
    retryAfterSeconds,
  };
}

/** The error shape of OData, with the members that the SDKs read. */
export function graphErrorBody(
  { code, message, field }: GraphError,
  ids: { readonly requestId: string; readonly clientRequestId: string },
  nowMs: number,
): Readonly<Record<string, unknown>> {
  return {
    error: {
      code,
      message,
      ...(field !== undefined && { target: field }),
      innerError: {
        date: new Date(nowMs).toISOString().slice(0, 19),
        'request-id': ids.requestId,
        'client-request-id': ids.clientRequestId,
      },
    },
  };
}
