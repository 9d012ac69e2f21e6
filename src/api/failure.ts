import type { FastifyError } from 'fastify';
import { TapedeckError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { Logger } from '../core/ports/log.ts';
import type { ApiFailure } from './error-body.ts';
import { HTTP_ERRORS } from './error-map.ts';

export type Failure = ApiFailure & { readonly retryAfterSeconds: number | undefined };

/** What the caller is told about an error. Defects of ours are logged here and not told. */
export function toFailure(error: unknown, log: Logger): Failure {
  if (error instanceof TapedeckError) {
    const failure = failureOf(error.code, error.message, error.field);
    if (failure.status >= 500) log.error({ error, code: error.code }, 'request failed');
    return failure;
  }
  if (isFastifyError(error)) {
    const [first] = error.validation ?? [];
    if (first !== undefined) return invalidField(first, error.validationContext);
    if (error.statusCode !== undefined && error.statusCode < 500) {
      const code = error.statusCode === 404 ? 'content-not-found' : 'argument-invalid';
      return { ...failureOf(code, error.message), status: error.statusCode };
    }
  }
  log.error({ error }, 'request failed by a defect');
  return failureOf('internal', 'Internal error; the server’s log has the details.');
}

export function failureOf(code: ErrorCode, message: string, field?: string): Failure {
  const { status, subCode, retryAfterSeconds } = HTTP_ERRORS[code];
  return { status, subCode, message, field, retryAfterSeconds };
}

type SchemaDefect = NonNullable<FastifyError['validation']>[number];

/** Names the field as the caller wrote it: `channelAffinity[0].channel`. */
function invalidField(defect: SchemaDefect, context: string | undefined): Failure {
  const missing = defect.params['missingProperty'];
  const pointer =
    typeof missing === 'string' ? `${defect.instancePath}/${missing}` : defect.instancePath;
  const field =
    pointer
      .split('/')
      .filter((part) => part !== '')
      .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
      .join('')
      .replace(/^\./, '') ||
    (context ?? 'body');
  const problem = typeof missing === 'string' ? 'is missing' : (defect.message ?? 'is not valid');
  return failureOf('argument-invalid', `Invalid argument: ${field} ${problem}.`, field);
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error;
}
