import { TapedeckError } from '../core/error.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { SubscriptionRecord } from '../core/records.ts';
import { deliveryHeaders, post, RESPONSE_TIMEOUT_MS } from './attempt.ts';
import { timeText } from './envelopes.ts';

/** A validation answer is a small JSON object. */
const MAX_ANSWER_BYTES = 16_384;

export type HandshakeContext = {
  readonly sender: HttpSender;
  readonly topic: string;
  /** Name that CloudEvents receivers are asked to allow. */
  readonly webhookOrigin: string;
};

export type Handshake = {
  readonly subscription: SubscriptionRecord;
  /** A GET of it by anybody validates the subscription. */
  readonly validationUrl: string;
  readonly eventId: string;
  readonly nowMs: number;
};

export type HandshakeResult =
  | { readonly state: 'active' }
  /** The receiver took it and did not answer the question: somebody has to open the URL. */
  | { readonly state: 'awaiting-manual' }
  | { readonly state: 'failed'; readonly error: TapedeckError };

/**
 * Asks the receiver whether it wants the events: by Event Grid's endpoint validation, or by the
 * abuse protection of CloudEvents web hooks. Never rejects.
 */
export async function shakeHands(
  context: HandshakeContext,
  handshake: Handshake,
  signal: AbortSignal,
): Promise<HandshakeResult> {
  try {
    return handshake.subscription.schema === 'eventgrid'
      ? await eventGridHandshake(context, handshake, signal)
      : await cloudEventsHandshake(context, handshake, signal);
  } catch (error) {
    return {
      state: 'failed',
      error:
        error instanceof TapedeckError
          ? error
          : new TapedeckError('destination-unreachable', String(error), { cause: error }),
    };
  }
}

async function eventGridHandshake(
  { sender, topic }: HandshakeContext,
  { subscription, validationUrl, eventId, nowMs }: Handshake,
  signal: AbortSignal,
): Promise<HandshakeResult> {
  const event = {
    id: eventId,
    topic,
    subject: '',
    data: { validationCode: subscription.validationCode, validationUrl },
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    eventTime: timeText(nowMs, 'Z'),
    metadataVersion: '1',
    dataVersion: '1',
  };
  const request = post(subscription.endpoint, JSON.stringify([event]), {
    ...subscription.headers,
    'content-type': 'application/json; charset=utf-8',
    ...deliveryHeaders('SubscriptionValidation', subscription.name, 0),
    'aeg-data-version': '1',
  });
  const answer = await sender.send({ ...request, maxResponseBytes: MAX_ANSWER_BYTES, signal });
  if (answer.status !== 200) return refused(answer.status);
  return validationResponse(answer.body) === subscription.validationCode
    ? { state: 'active' }
    : { state: 'awaiting-manual' };
}

/** The abuse protection of CloudEvents web hooks. */
async function cloudEventsHandshake(
  { sender, webhookOrigin }: HandshakeContext,
  { subscription, validationUrl }: Handshake,
  signal: AbortSignal,
): Promise<HandshakeResult> {
  const answer = await sender.send({
    method: 'OPTIONS',
    url: subscription.endpoint,
    headers: {
      ...subscription.headers,
      'webhook-request-origin': webhookOrigin,
      'webhook-request-callback': validationUrl,
    },
    body: '',
    timeoutMs: RESPONSE_TIMEOUT_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
    signal,
  });
  if (answer.status < 200 || answer.status > 299) return refused(answer.status);
  const allowed = answer.headers['webhook-allowed-origin']?.trim();
  const isAllowed = allowed === '*' || allowed?.toLowerCase() === webhookOrigin.toLowerCase();
  return isAllowed ? { state: 'active' } : { state: 'awaiting-manual' };
}

function refused(status: number): HandshakeResult {
  const message = `the receiver answered its validation with status ${String(status)}`;
  return { state: 'failed', error: new TapedeckError('destination-refused', message) };
}

/** The code in `{"validationResponse": code}`, whatever else the receiver sent. */
function validationResponse(body: Uint8Array): unknown {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof answer !== 'object' || answer === null) return undefined;
    // .NET receivers serialise the property with a capital.
    const entry = Object.entries(answer).find(
      ([name]) => name.toLowerCase() === 'validationresponse',
    );
    return entry?.[1];
  } catch {
    return undefined;
  }
}
