import { TapedeckError } from '../core/error.ts';
import type { SubscriptionRecord } from '../core/records.ts';

/** What a subscription is made from, in the configuration or by the admin API. */
export type SubscriptionRequest = Pick<
  SubscriptionRecord,
  'name' | 'endpoint' | 'schema' | 'includedTypes'
> & {
  /** 1 to 30. Default 30. */
  readonly maxAttempts?: number;
  /** 1 to 1440. Default 1440. */
  readonly timeToLiveMinutes?: number;
  /** At most 10, values of at most 4096 bytes. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
};

const MAX_ATTEMPTS = 30;
const MAX_TIME_TO_LIVE_MINUTES = 1440;
const MAX_HEADERS = 10;
const MAX_HEADER_VALUE_BYTES = 4_096;

/** A token of RFC 9110 §5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Visible characters, spaces and tabs: nothing that ends the line. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that say what the request is; nobody may replace them. */
const RESERVED_HEADERS =
  /^(aeg-.*|webhook-.*|origin|host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect)$/i;

/** Rejects with `argument-invalid` naming the field, and what is allowed there. */
export function checkSubscriptionRequest(request: SubscriptionRequest): void {
  if (!/^[A-Za-z0-9-]{3,64}$/.test(request.name)) {
    throw invalid('name', 'name must be 3 to 64 letters, digits and dashes');
  }
  const url = URL.parse(request.endpoint);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid('endpoint', 'endpoint must be an absolute http or https URL');
  }
  if (request.includedTypes.some((type) => type === '')) {
    throw invalid('includedTypes', 'includedTypes must hold full event types');
  }
  checkRange('maxAttempts', request.maxAttempts, MAX_ATTEMPTS);
  checkRange('timeToLiveMinutes', request.timeToLiveMinutes, MAX_TIME_TO_LIVE_MINUTES);
  checkHeaders(request.headers ?? {});
}

/** The rules of a request with the defaults filled in. */
export function withDefaults(request: SubscriptionRequest): Required<SubscriptionRequest> {
  return {
    name: request.name,
    endpoint: request.endpoint,
    schema: request.schema,
    includedTypes: request.includedTypes,
    maxAttempts: request.maxAttempts ?? MAX_ATTEMPTS,
    timeToLiveMinutes: request.timeToLiveMinutes ?? MAX_TIME_TO_LIVE_MINUTES,
    headers: request.headers ?? {},
  };
}

function checkRange(field: string, value: number | undefined, most: number): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw invalid(field, `${field} must be a whole number from 1 to ${String(most)}`);
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw invalid('headers', `headers may hold at most ${String(MAX_HEADERS)} entries`);
  }
  for (const [name, value] of entries) {
    if (!HEADER_NAME.test(name) || RESERVED_HEADERS.test(name)) {
      throw invalid('headers', `headers: ${JSON.stringify(name)} may not be set`);
    }
    if (!HEADER_VALUE.test(value) || value.length > MAX_HEADER_VALUE_BYTES) {
      throw invalid(
        'headers',
        `headers: the value of ${name} must be one line of at most ${String(MAX_HEADER_VALUE_BYTES)} bytes`,
      );
    }
  }
}

function invalid(field: string, message: string): TapedeckError {
  return new TapedeckError('argument-invalid', message, { field });
}
