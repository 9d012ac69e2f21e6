import type { OperationOutcome } from '../../core/call-operations-model.ts';
import type { Recognize } from '../../core/ports/call-control.ts';
import type { ResultInformation } from '../result-code.ts';
import {
  CANCELED,
  CHOICE_MADE,
  COLLECTED,
  DONE,
  FAILED,
  RECOGNIZE_PROMPT_FAILED,
} from './operation-results.ts';
import { TONE_NAMES } from './tone-names.ts';

/** A callback without its envelope. */
export type OperationEvent = {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>> & {
    readonly resultInformation: ResultInformation;
  };
};

export const PLAY_STARTED: OperationEvent = {
  name: 'PlayStarted',
  data: { resultInformation: DONE },
};

/** How a play ended. */
export function playEvent(outcome: OperationOutcome): OperationEvent {
  if (outcome.is === 'done') return event('PlayCompleted', DONE);
  return outcome.is === 'failed'
    ? event('PlayFailed', FAILED[outcome.because.why], sourceOf(outcome))
    : event('PlayCanceled', CANCELED);
}

/** How a recognition ended. */
export function recognizeEvent(command: Recognize, outcome: OperationOutcome): OperationEvent {
  switch (outcome.is) {
    case 'collected':
      return event('RecognizeCompleted', COLLECTED[outcome.by], {
        recognitionType: 'dtmf',
        dtmfResult: { tones: outcome.tones.map((tone) => TONE_NAMES[tone]) },
      });
    case 'chosen': {
      const choice = command.input === 'choices' ? command.choices[outcome.choice] : undefined;
      return event('RecognizeCompleted', CHOICE_MADE, {
        recognitionType: 'choices',
        choiceResult: { label: choice?.label ?? '' },
      });
    }
    case 'failed': {
      const source = sourceOf(outcome);
      const isPrompt = 'failedPlaySourceIndex' in source || outcome.because.why === 'play-failed';
      const result = isPrompt ? RECOGNIZE_PROMPT_FAILED : FAILED[outcome.because.why];
      return event('RecognizeFailed', result, source);
    }
    case 'canceled':
    case 'done':
    case 'recorded':
      return event('RecognizeCanceled', CANCELED);
  }
}

/** How the sending of keys ended. The vendor has no event for one that was cancelled. */
export function sendEvent(outcome: OperationOutcome): OperationEvent {
  if (outcome.is === 'done') return event('SendDtmfTonesCompleted', DONE);
  const result = outcome.is === 'failed' ? FAILED[outcome.because.why] : CANCELED;
  return event('SendDtmfTonesFailed', result);
}

export function event(
  name: string,
  resultInformation: ResultInformation,
  data: Readonly<Record<string, unknown>> = {},
): OperationEvent {
  return { name, data: { ...data, resultInformation } };
}

function sourceOf(
  outcome: Extract<OperationOutcome, { is: 'failed' }>,
): { readonly failedPlaySourceIndex: number } | Record<string, never> {
  const { because } = outcome;
  return 'source' in because ? { failedPlaySourceIndex: because.source } : {};
}
