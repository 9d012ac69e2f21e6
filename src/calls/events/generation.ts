/**
 * Callback types that a parser of 1.0.0 (2023-03-06) does not know, with the api-version from
 * which on it does. Older parsers throw on a type they do not know.
 */
const KNOWN_SINCE: Readonly<Record<string, string>> = {
  CreateCallFailed: '2024-11-15',
  AnswerFailed: '2024-11-15',
};

/** Whether clients of this api-version (`2025-06-15`, `2024-11-15-preview`) understand the event. */
export function isKnownTo(apiVersion: string, eventName: string): boolean {
  const since = KNOWN_SINCE[eventName];
  // Dates in this form compare as text; a preview counts as its date.
  return since === undefined || apiVersion.slice(0, since.length) >= since;
}
