import { TapedeckError } from '../../core/error.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { ResultInformation } from '../result-code.ts';

const UNKNOWN: ResultInformation = {
  code: 500,
  subCode: 9999,
  message: 'The operation failed.',
};

/** What an operation's failure is to the application, by the error that came of it. */
export function resultOfError(error: unknown): ResultInformation {
  if (!(error instanceof TapedeckError)) return UNKNOWN;
  const { message } = error;
  switch (error.code) {
    case 'call-ended':
      return { code: 400, subCode: 8528, message };
    case 'call-not-established':
      return { code: 400, subCode: 8501, message };
    case 'call-state-conflict':
      return { code: 400, subCode: 8585, message };
    case 'call-not-found':
    case 'participant-not-found':
      return { code: 404, subCode: 8522, message };
    case 'prompt-format':
      return { code: 400, subCode: 8535, message };
    case 'prompt-unreachable':
      return { code: 400, subCode: 8536, message };
    case 'not-supported':
      return { code: 405, subCode: 8520, message };
    case 'speech-failed':
      return { code: 500, subCode: 8565, message };
    case 'ports-exhausted':
      return { code: 503, subCode: 8530, message };
    case 'destination-refused':
      return { code: 480, subCode: 8546, message };
    case 'destination-unreachable':
      return { code: 480, subCode: 8544, message };
    case 'shutting-down':
      return { code: 503, subCode: 9003, message };
    default:
      return UNKNOWN;
  }
}

/** Of the callee; those that say nothing more precise are 560000 + status. */
const SUB_CODE_BY_STATUS: Readonly<Record<number, number>> = {
  400: 8546,
  403: 8538,
  404: 8543,
  408: 8544,
  410: 8543,
  415: 8546,
  480: 8541,
  484: 8546,
  486: 8539,
  487: 8542,
  488: 8546,
  502: 8544,
  503: 8541,
  504: 8544,
  600: 8540,
  603: 8538,
  604: 8543,
  606: 8546,
};

/** Why somebody who was invited did not come. */
export function resultOfInvitation(end: SessionEnd): ResultInformation {
  const isUnanswered = end.by === 'local' && end.status === 480;
  const ofStatus = end.by === 'network' ? 8544 : SUB_CODE_BY_STATUS[end.status];
  return {
    code: end.status,
    subCode: isUnanswered ? 8587 : (ofStatus ?? 560_000 + end.status),
    message: `The participant did not join: ${end.status} ${end.reason}.`,
    ...(end.by === 'remote' && { sipDetails: { code: end.status, message: end.reason } }),
  };
}
