const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Event Grid's waits after the first, second, … attempt; after the last of them it stays at 12 h. */
const SCHEDULE_MS: readonly number[] = [
  10 * SECOND_MS,
  30 * SECOND_MS,
  1 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  1 * HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
];
const LAST_MS = 12 * HOUR_MS;

/** The least wait after a status, whatever the schedule says. */
const LEAST_MS: Readonly<Record<number, number>> = {
  404: 5 * MINUTE_MS,
  408: 2 * MINUTE_MS,
  503: 30 * SECOND_MS,
};

const JITTER = 0.1;

/** 200 to 204; every other status, 2xx or not, is a failure. */
export function isDelivered(status: number): boolean {
  return status >= 200 && status <= 204;
}

/** Bots answer whatever success they like. */
export function isTaken(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** The receiver will not change its mind about these. */
export function isFinal(status: number): boolean {
  return status === 400 || status === 401 || status === 403 || status === 413;
}

/**
 * How long to wait after a failed attempt.
 * `attempt` counts from 1, `status` is `undefined` when there was no answer, `fraction` is random
 * in [0, 1): up to a tenth is added, never taken away.
 */
export function retryDelayMs(failure: {
  readonly attempt: number;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly fraction: number;
}): number {
  const scheduled = SCHEDULE_MS[failure.attempt - 1] ?? LAST_MS;
  const least = failure.status === undefined ? 0 : (LEAST_MS[failure.status] ?? 0);
  const jittered = Math.max(scheduled, least) * (1 + JITTER * failure.fraction);
  return Math.round(Math.max(jittered, failure.retryAfterMs ?? 0));
}

/** Milliseconds from a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3). */
export function parseRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * SECOND_MS;
  // Dates begin with the name of a day; `Date.parse` alone would take much else for a date.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
