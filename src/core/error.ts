import { ERROR_CATALOGUE, type ErrorCode } from './error-codes.ts';

/** Whose fault a failure was: who asked, where we delivered to, or we ourselves. */
export type Fault = 'caller' | 'destination' | 'server';

export type ErrorDetails = {
  /** The request field or option that is at fault. */
  readonly field?: string;
  readonly cause?: unknown;
};

/** Every error that leaves a room. `code` is a public contract, listed in docs/errors.md. */
export class TapedeckError extends Error {
  override readonly name = 'TapedeckError';
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.fault = ERROR_CATALOGUE[code].fault;
    this.field = details.field;
  }
}

/** The code of an error thrown by a Node call (`ENOSPC`, `EADDRINUSE`), or `undefined`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
