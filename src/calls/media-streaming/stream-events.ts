import { TapedeckError } from '../../core/error.ts';
import { HandshakeRefused } from '../../core/handshake-refused.ts';
import { event, type OperationEvent } from '../media-operations/operation-events.ts';
import type { ResultInformation } from '../result-code.ts';

/** Why a stream is over without having been stopped. */
export type StreamEnd =
  /** The application closed its socket on purpose. */
  | { readonly because: 'closed' }
  /** The first socket did not come about. */
  | { readonly because: 'not-connected'; readonly error: unknown }
  /** The connection broke, and no other came about. */
  | { readonly because: 'lost'; readonly reason: string }
  /** The application refuses to go on, or sends what nobody can read. */
  | { readonly because: 'rejected'; readonly reason: string }
  /** The call gave no audio. */
  | { readonly because: 'no-media' };

const MEDIA_STREAMING_FAILED = 8603;
const SUCCESS: ResultInformation = {
  code: 200,
  subCode: 0,
  message: 'Action completed successfully.',
};
const CANCELLED: ResultInformation = {
  code: 400,
  subCode: 8604,
  message: 'Action failed, media streaming was stopped before it began.',
};

/** What the vendor says of an answer to the handshake. */
const DETAILS_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'authenticationFailure',
  403: 'forbidden',
  408: 'serviceTimeout',
  429: 'tooManyRequests',
  504: 'serviceTimeout',
};

export const STARTED: OperationEvent = update(
  'MediaStreamingStarted',
  SUCCESS,
  'subscriptionStarted',
);
export const REESTABLISHED: OperationEvent = update(
  'MediaStreamingStarted',
  SUCCESS,
  'streamConnectionReestablished',
);
export const STOPPED: OperationEvent = update(
  'MediaStreamingStopped',
  SUCCESS,
  'subscriptionStopped',
);

/** A start that a stop overtook. */
export const CANCELLED_START: OperationEvent = failed(CANCELLED, 'subscriptionStopped');

/** A start that the end of its connection, or of the call, overtook. */
export function cutOffStart(result: ResultInformation): OperationEvent {
  return failed(result, 'subscriptionStopped');
}

/** How a stream ended that nobody stopped. */
export function endEvent(end: StreamEnd): OperationEvent {
  switch (end.because) {
    case 'closed':
      return STOPPED;
    case 'not-connected':
      return notConnected(end.error);
    case 'lost':
      return failed(
        {
          code: 503,
          subCode: MEDIA_STREAMING_FAILED,
          message: `Action failed, the web socket was lost and could not be opened again: ${end.reason}.`,
        },
        'streamConnectionInterrupted',
      );
    case 'rejected':
      return failed(
        {
          code: 400,
          subCode: MEDIA_STREAMING_FAILED,
          message: `Action failed, the web socket ended: ${end.reason}.`,
        },
        'streamConnectionInterrupted',
      );
    case 'no-media':
      return failed(
        {
          code: 500,
          subCode: MEDIA_STREAMING_FAILED,
          message: 'Action failed, the audio of the call could not be opened.',
        },
        'unspecifiedError',
      );
  }
}

function notConnected(error: unknown): OperationEvent {
  const message = error instanceof TapedeckError ? error.message : 'Unknown internal server error.';
  if (error instanceof HandshakeRefused) {
    const { status } = error;
    return failed(
      { code: status < 400 ? 502 : status, subCode: MEDIA_STREAMING_FAILED, message },
      DETAILS_BY_STATUS[status] ?? 'initialWebSocketConnectionFailed',
    );
  }
  const isRefused = error instanceof TapedeckError && error.code === 'url-refused';
  return failed(
    isRefused
      ? { code: 400, subCode: 8581, message }
      : { code: 503, subCode: MEDIA_STREAMING_FAILED, message },
    'initialWebSocketConnectionFailed',
  );
}

function failed(result: ResultInformation, details: string): OperationEvent {
  return update('MediaStreamingFailed', result, details);
}

/** MediaStreamingStarted, MediaStreamingStopped and MediaStreamingFailed are statuses too, in lower case. */
function update(name: string, result: ResultInformation, details: string): OperationEvent {
  return event(name, result, {
    mediaStreamingUpdate: {
      contentType: 'audio',
      mediaStreamingStatus: name.charAt(0).toLowerCase() + name.slice(1),
      mediaStreamingStatusDetails: details,
    },
  });
}
