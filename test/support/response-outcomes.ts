import { expect } from 'vitest';
import type { Json } from './notification-receiver.ts';

/** As the vendor words it, by sub-code: `[status, code, message, completionReason]`. */
const OUTCOMES: Readonly<Record<number, readonly [string, number, string, string]>> = {
  8515: [
    'completed',
    200,
    'Action completed, max record duration reached.',
    'maxRecordDurationReached',
  ],
  8514: ['completed', 200, 'Action completed as stop tone was detected.', 'stopToneDetected'],
  8509: ['completed', 200, 'Action completed, max silence timeout reached.', 'maxSilenceTimeout'],
  8588: ['completed', 200, 'Action completed, no more media was received.', 'mediaReceiveTimeout'],
  8510: ['failed', 400, 'Action failed, initial silence timeout reached.', 'initialSilenceTimeout'],
  8508: ['failed', 400, 'Action failed, the operation was cancelled.', 'operationCanceled'],
  8536: ['failed', 400, 'Action failed, file could not be downloaded.', 'playPromptFailed'],
  8535: ['failed', 400, 'Action failed, file format is invalid.', 'playPromptFailed'],
  8528: ['failed', 400, 'Action failed, the call was terminated.', 'unspecifiedError'],
  8511: [
    'failed',
    500,
    'Action failed, encountered failure while trying to play the prompt.',
    'playPromptFailed',
  ],
  8513: [
    'failed',
    500,
    'Action failed, no media was received from the caller.',
    'mediaReceiveTimeout',
  ],
};

/** A recordOperation that has ended says the same in all its members, and has a file if it has completed. */
export function expectOutcome(operation: Json): void {
  const { subcode } = operation['resultInfo'] as Json;
  const [status = '', code, message, completionReason] = OUTCOMES[Number(subcode)] ?? [];
  expect(operation).toMatchObject({
    '@odata.type': '#microsoft.graph.recordOperation',
    resultInfo: { '@odata.type': '#microsoft.graph.resultInfo', code, subcode, message },
    completionReason,
  });
  expect(String(operation['status']).toLowerCase()).toBe(status);
  const { recordingLocation, recordingAccessToken } = operation;
  if (status === 'completed') {
    expect(recordingLocation).toMatch(/^https:\/\/.*\/recordings\//);
    expect(String(recordingAccessToken).length).toBeGreaterThan(20);
  } else expect([recordingLocation, recordingAccessToken]).toEqual(['', '']);
}
