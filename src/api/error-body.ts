import { STATUS_CODES } from 'node:http';

export type ApiFailure = {
  readonly status: number;
  readonly subCode: number;
  readonly message: string;
  /** The field at fault. */
  readonly field: string | undefined;
};

/** The vendor's error shape. */
export function errorBody(failure: ApiFailure): Record<string, unknown> {
  return {
    error: {
      code: String(failure.subCode),
      message: failure.message,
      target: failure.field ?? null,
      details: [],
      innererror: null,
    },
  };
}

/**
 * The shape of content endpoints: the JavaScript SDK reads `status` and `message`
 * at the top level, the others read `error`.
 */
export function contentErrorBody(failure: ApiFailure, path: string): Record<string, unknown> {
  return {
    status: failure.status,
    title: STATUS_CODES[failure.status] ?? 'Error',
    message: failure.message,
    instance: path,
    error: { code: String(failure.subCode), message: failure.message },
  };
}
