import type { CollectEnd, OperationFailure } from '../../core/call-operations-model.ts';
import type { ResultInformation } from '../result-code.ts';

export const DONE: ResultInformation = {
  code: 200,
  subCode: 0,
  message: 'Action completed successfully.',
};

export const CANCELED: ResultInformation = {
  code: 400,
  subCode: 8508,
  message: 'Action failed, the operation was cancelled.',
};

export const CHOICE_MADE: ResultInformation = {
  code: 200,
  subCode: 8533,
  message: 'Action completed, DTMF option matched.',
};

export const PARTICIPANT_GONE: ResultInformation = {
  code: 400,
  subCode: 8558,
  message: 'Action failed, the participant left the call.',
};

const UNKNOWN: ResultInformation = {
  code: 500,
  subCode: 9999,
  message: 'Unknown internal server error.',
};

export const COLLECTED: Readonly<Record<CollectEnd, ResultInformation>> = {
  'max-tones': { code: 200, subCode: 8531, message: 'Action completed, max digits received.' },
  'stop-tone': {
    code: 200,
    subCode: 8514,
    message: 'Action completed as stop tone was detected.',
  },
  silence: {
    code: 200,
    subCode: 8532,
    message: 'Action completed, inter-digit silence timeout reached.',
  },
};

/** What failed, but for a call that ended meanwhile, which is told by whoever ends it. */
export const FAILED: Readonly<Record<OperationFailure['why'], ResultInformation>> = {
  'prompt-format': {
    code: 400,
    subCode: 8535,
    message: 'Action failed, file format is invalid.',
  },
  'prompt-unreachable': {
    code: 400,
    subCode: 8536,
    message: 'Action failed, file could not be downloaded.',
  },
  'speech-failed': {
    code: 400,
    subCode: 8565,
    message: 'Action failed, the text could not be spoken.',
  },
  'prompt-failed': UNKNOWN,
  'initial-silence': {
    code: 400,
    subCode: 8510,
    message: 'Action failed, initial silence timeout reached.',
  },
  'inter-tone-silence': {
    code: 400,
    subCode: 8532,
    message: 'Action failed, inter-digit silence timeout reached.',
  },
  'wrong-tone': { code: 400, subCode: 8534, message: 'Action failed, incorrect tone entered.' },
  'target-left': PARTICIPANT_GONE,
  'call-ended': { code: 400, subCode: 8528, message: 'Action failed, the call was terminated.' },
  'play-failed': UNKNOWN,
  'beep-failed': UNKNOWN,
  'send-failed': UNKNOWN,
  'record-failed': UNKNOWN,
};

/** Of a recognition, whatever was wrong with what it was to play first. */
export const RECOGNIZE_PROMPT_FAILED: ResultInformation = {
  code: 500,
  subCode: 8511,
  message: 'Action failed, encountered failure while trying to play the prompt.',
};
