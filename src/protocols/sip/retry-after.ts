/** Seconds, perhaps with a comment and parameters behind them (RFC 3261 §20.33). */
const RETRY_AFTER = /^[ \t]*(\d{1,10})[ \t]*(?:$|[(;])/;

/** Seconds of a `Retry-After`; `undefined` if it cannot be read. Its parameters are read over. */
export function parseRetryAfter(text: string): number | undefined {
  const digits = RETRY_AFTER.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
