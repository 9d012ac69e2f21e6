import { TapedeckError } from '../core/error.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';

/** `resultInformation` of callback events. */
export type ResultInformation = {
  readonly code: number;
  readonly subCode: number;
  readonly message: string;
  readonly sipDetails?: { readonly code: number; readonly message: string };
};

export const SUCCESS: ResultInformation = { code: 200, subCode: 0, message: 'Success.' };

/** What went wrong on our side. */
export const SETUP_FAILED: ResultInformation = {
  code: 500,
  subCode: 9999,
  message: 'The call could not be set up.',
};

/** Why a caller could not be answered, by the error that came of it. */
export function resultOfAnswer(error: unknown): ResultInformation {
  switch (error instanceof TapedeckError ? error.code : undefined) {
    case 'call-ended':
      return { code: 487, subCode: 0, message: 'The caller gave up before it was answered.' };
    case 'destination-refused':
      return { code: 487, subCode: 4501, message: 'No audio format in common with the caller.' };
    default:
      return SETUP_FAILED;
  }
}

/** What a phone is told, in a final answer or in the reason of a BYE. */
export type Refusal = { readonly status: number; readonly reason: string };

/** What a caller is told when nobody took the call. */
export function refusalFor(end: Refusal): Refusal {
  // A far side's own trouble with authentication or routing is not the caller's to mend.
  const hidden = end.status < 400 || end.status === 401 || end.status === 407;
  const { status, reason } = end;
  return hidden ? { status: 503, reason: 'Service Unavailable' } : { status, reason };
}

/** What a caller is told when we could not give it media; it knows already when no codec was agreed. */
export function refusalAfter(error: unknown): Refusal {
  const code = error instanceof TapedeckError ? error.code : undefined;
  return code === 'ports-exhausted' || code === 'worker-failed' || code === 'shutting-down'
    ? { status: 503, reason: 'Service Unavailable' }
    : { status: 500, reason: 'Server Internal Error' };
}

/** Why a connection is over. */
export const DISCONNECTED: Readonly<
  Record<
    | 'byApplication'
    | 'byTransfer'
    | 'byRedirect'
    | 'lastOneLeft'
    | 'byRestart'
    | 'byWorkerLoss'
    | 'byShutdown',
    ResultInformation
  >
> = {
  byApplication: { code: 200, subCode: 7000, message: 'The call was ended by Call Automation.' },
  byTransfer: { code: 200, subCode: 7015, message: 'The call ended after a transfer.' },
  byRedirect: { code: 200, subCode: 7015, message: 'The call was redirected.' },
  lastOneLeft: { code: 200, subCode: 5010, message: 'The last participant left the call.' },
  byRestart: {
    code: 500,
    subCode: 10045,
    message: 'The server restarted; the call could not be kept.',
  },
  byWorkerLoss: { code: 500, subCode: 10045, message: 'The media worker of the call failed.' },
  byShutdown: { code: 200, subCode: 7000, message: 'The server was shut down.' },
};

/** What becomes of an operation whose call ends first. */
export const CALL_OVER: ResultInformation = {
  code: 400,
  subCode: 8528,
  message: 'The call ended before the operation was complete.',
};

/** What becomes of an operation whose connection leaves the call first. */
export const CONNECTION_OVER: ResultInformation = {
  code: 400,
  subCode: 8501,
  message: 'The application left the call before the operation was complete.',
};

/** SIP refusals that have a sub-code of their own; the others are 560000 + status. */
const SUB_CODE_BY_STATUS: Readonly<Record<number, number>> = {
  404: 4500,
  487: 540_487,
  484: 560_484,
};

/** What an application is told when its call was ended before it was up. */
export function resultOfCancelling(ending: ResultInformation): ResultInformation {
  if (ending === DISCONNECTED.byApplication) {
    return { code: 487, subCode: 540_487, message: 'The call was cancelled by its originator.' };
  }
  return ending.code === 200 ? { ...ending, code: 503, subCode: 560_503 } : ending;
}

/** What a callee's refusal is to the application. */
export function resultOfRefusal(end: Pick<SessionEnd, 'status' | 'reason'>): ResultInformation {
  return {
    code: end.status,
    subCode: SUB_CODE_BY_STATUS[end.status] ?? 560_000 + end.status,
    message: `The call was not accepted: ${end.status} ${end.reason}.`,
    sipDetails: { code: end.status, message: end.reason },
  };
}
