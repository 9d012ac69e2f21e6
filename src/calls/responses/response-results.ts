import type { OperationFailure, OperationOutcome } from '../../core/call-operations-model.ts';
import type { HeardVoices } from '../../core/ports/media.ts';
import type { ResponseCompletion, ResponseOutcome } from '../../core/ports/response-recorder.ts';
import { assertNever } from '../../core/result.ts';

type Result = Pick<ResponseCompletion, 'status' | 'resultInformation' | 'completionReason'>;

function completed(subCode: number, message: string, completionReason: string): Result {
  const resultInformation = { code: 200, subCode, message };
  return { status: 'completed', resultInformation, completionReason };
}

function failed(code: number, subCode: number, message: string, completionReason: string): Result {
  return { status: 'failed', resultInformation: { code, subCode, message }, completionReason };
}

/** What is told of each outcome. */
export const RESPONSE_RESULTS: Readonly<Record<ResponseOutcome, Result>> = {
  'max-duration': completed(
    8515,
    'Action completed, max record duration reached.',
    'maxRecordDurationReached',
  ),
  'stop-tone': completed(8514, 'Action completed as stop tone was detected.', 'stopToneDetected'),
  'max-silence': completed(
    8509,
    'Action completed, max silence timeout reached.',
    'maxSilenceTimeout',
  ),
  'media-stopped': completed(
    8588,
    'Action completed, no more media was received.',
    'mediaReceiveTimeout',
  ),
  'initial-silence': failed(
    400,
    8510,
    'Action failed, initial silence timeout reached.',
    'initialSilenceTimeout',
  ),
  'no-media': failed(
    500,
    8513,
    'Action failed, no media was received from the caller.',
    'mediaReceiveTimeout',
  ),
  canceled: failed(400, 8508, 'Action failed, the operation was cancelled.', 'operationCanceled'),
  'prompt-unreachable': failed(
    400,
    8536,
    'Action failed, file could not be downloaded.',
    'playPromptFailed',
  ),
  'prompt-format': failed(400, 8535, 'Action failed, file format is invalid.', 'playPromptFailed'),
  'prompt-failed': failed(
    500,
    8511,
    'Action failed, encountered failure while trying to play the prompt.',
    'playPromptFailed',
  ),
  'beep-failed': failed(
    500,
    8512,
    'Action failed, encountered failure while trying to play the beep.',
    'playBeepFailed',
  ),
  'call-ended': failed(400, 8528, 'Action failed, the call was terminated.', 'unspecifiedError'),
  failed: failed(500, 9999, 'Unknown internal server error', 'unspecifiedError'),
};

/** A file is made of it. */
export function isRecorded(outcome: ResponseOutcome): boolean {
  return RESPONSE_RESULTS[outcome].status === 'completed';
}

/**
 * What the end of an operation was.
 * @param heard of its journal; `undefined` if that did not tell.
 */
export function outcomeOf(
  operation: OperationOutcome,
  heard: HeardVoices | undefined,
): ResponseOutcome {
  switch (operation.is) {
    case 'recorded':
      if (operation.by === 'call-ended') return 'media-stopped';
      return operation.by === 'max-silence' && heard?.hasBrokenOff === true
        ? 'media-stopped'
        : operation.by;
    case 'canceled':
      return 'canceled';
    case 'failed':
      return failureOf(operation.because.why, heard);
    case 'done':
    case 'collected':
    case 'chosen':
      return 'failed';
    default:
      return assertNever(operation);
  }
}

function failureOf(why: OperationFailure['why'], heard: HeardVoices | undefined): ResponseOutcome {
  switch (why) {
    case 'initial-silence':
      return heard?.packets === 0 ? 'no-media' : 'initial-silence';
    case 'prompt-unreachable':
    case 'prompt-format':
    case 'beep-failed':
      return why;
    case 'prompt-failed':
    case 'speech-failed':
    case 'play-failed':
      return 'prompt-failed';
    case 'call-ended':
    case 'target-left':
      return 'call-ended';
    case 'inter-tone-silence':
    case 'wrong-tone':
    case 'send-failed':
    case 'record-failed':
      return 'failed';
    default:
      return assertNever(why);
  }
}
