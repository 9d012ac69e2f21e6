/** Callback types that a parser of 1.0.0 (2023-03-06) does not know; older parsers throw on a type that they do not know. */
const ADDED: Readonly<Record<string, readonly string[]>> = {
  // 1.2.0
  '2024-04-15': [
    'CancelAddParticipantSucceeded',
    'CancelAddParticipantFailed',
    'ContinuousDtmfRecognitionToneReceived',
    'ContinuousDtmfRecognitionToneFailed',
    'ContinuousDtmfRecognitionStopped',
    'SendDtmfTonesCompleted',
    'SendDtmfTonesFailed',
  ],
  // The previews before 1.5.0
  '2024-11-15': [
    'CreateCallFailed',
    'AnswerFailed',
    'ConnectFailed',
    'HoldFailed',
    'PlayStarted',
    'MediaStreamingStarted',
    'MediaStreamingStopped',
    'MediaStreamingFailed',
    'TranscriptionStarted',
    'TranscriptionStopped',
    'TranscriptionUpdated',
    'TranscriptionFailed',
  ],
  // 1.5.0
  '2025-06-15': ['StartRecordingFailed'],
  // 1.6.0
  '2026-03-12': ['MoveParticipantSucceeded', 'MoveParticipantFailed'],
};

const KNOWN_SINCE: ReadonlyMap<string, string> = new Map(
  Object.entries(ADDED).flatMap(([since, names]) => names.map((name) => [name, since] as const)),
);

/** Whether clients of this api-version (`2025-06-15`, `2024-11-15-preview`) understand the event. */
export function isKnownTo(apiVersion: string, eventName: string): boolean {
  const since = KNOWN_SINCE.get(eventName);
  // Dates in this form compare as text; a preview counts as its date.
  return since === undefined || apiVersion.slice(0, since.length) >= since;
}
