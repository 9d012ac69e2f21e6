import { TapedeckError } from '../../core/error.ts';

export type BlobFailure = {
  readonly error: TapedeckError;
  /** Trying again may help. */
  readonly isPassing: boolean;
  readonly status: number | undefined;
  /** The service's own code, such as `ContainerNotFound`. */
  readonly serviceCode: string | undefined;
};

/** Answers that the service gives when it is busy or moves; its own clients repeat them too. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const PERMISSION_STATUSES: ReadonlySet<number> = new Set([401, 403]);
const SERVICE_CODE = /^[A-Za-z][A-Za-z0-9]{0,79}$/;

/**
 * Gives a failed operation its code and a text that names the container. The SDK's error is not kept
 * as the cause: it holds the request with its credentials.
 * @param url of the container, without its signature.
 */
export function blobFailure(cause: unknown, url: string): BlobFailure {
  if (cause instanceof TapedeckError) return ofSender(cause);
  const status = statusOf(cause);
  if (status === undefined) {
    return failure(`${url} does not answer as blob storage does.`, undefined, undefined);
  }
  const serviceCode = serviceCodeOf(cause);
  const hint = PERMISSION_STATUSES.has(status)
    ? ' Recordings need permission to read, create and write blobs.'
    : '';
  const text = `${url} refused: ${[status, serviceCode].filter(Boolean).join(' ')}.${hint}`;
  return failure(text, status, serviceCode);
}

function ofSender(error: TapedeckError): BlobFailure {
  const nothing = { status: undefined, serviceCode: undefined };
  if (error.code === 'url-refused') {
    return { ...nothing, error: refusal(error.message), isPassing: false };
  }
  return { ...nothing, error, isPassing: error.code === 'destination-unreachable' };
}

function failure(
  text: string,
  status: number | undefined,
  serviceCode: string | undefined,
): BlobFailure {
  const isPassing = status !== undefined && PASSING_STATUSES.has(status);
  return { error: refusal(text), isPassing, status, serviceCode };
}

function refusal(text: string): TapedeckError {
  return new TapedeckError('destination-refused', text);
}

function statusOf(cause: unknown): number | undefined {
  const status = propertyOf(cause, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

/** From the header, which answers without a body have too, or from the body. */
function serviceCodeOf(cause: unknown): string | undefined {
  const headers = propertyOf(propertyOf(cause, 'response'), 'headers');
  const get = propertyOf(headers, 'get');
  const named: unknown =
    typeof get === 'function' ? Reflect.apply(get, headers, ['x-ms-error-code']) : undefined;
  return [named, propertyOf(cause, 'code')].find(
    (code): code is string => typeof code === 'string' && SERVICE_CODE.test(code),
  );
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
