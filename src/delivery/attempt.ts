import { TapedeckError } from '../core/error.ts';
import type { CallbackSigner } from '../core/ports/callback-signer.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../core/ports/http-sender.ts';
import type { NotificationSigner } from '../core/ports/notification-signer.ts';
import type { ResponseTokens } from '../core/ports/response-recorder.ts';
import type { DeliveryRecord, EventRecord, SubscriptionRecord } from '../core/records.ts';
import {
  callbackEnvelope,
  DATA_VERSION,
  gridEnvelope,
  METADATA_VERSION,
  notificationEnvelope,
  notificationOf,
} from './envelopes.ts';
import { isDelivered, isFinal, isTaken, parseRetryAfterMs } from './retry-policy.ts';

/** A receiver has so long to answer, as with Event Grid. */
export const RESPONSE_TIMEOUT_MS = 30_000;

/** What a receiver says beside its status is of no use to a delivery. */
const MAX_RESPONSE_BYTES = 4_096;

/** As the vendor's service calls itself: some web application firewalls let it through by name. */
const NOTIFICATION_USER_AGENT = 'Microsoft-Skype/3.0,(Calling/1.0)';

export type AttemptResult =
  | { readonly delivered: true; readonly status: number }
  | {
      readonly delivered: false;
      /** `undefined`: there was no answer. */
      readonly status: number | undefined;
      readonly error: string;
      readonly retryAfterMs: number | undefined;
      /** It would never succeed: no further attempt. */
      readonly final: boolean;
    };

export type AttemptContext = {
  readonly sender: HttpSender;
  readonly signer: CallbackSigner;
  readonly notificationSigner: NotificationSigner;
  readonly responseTokens: Pick<ResponseTokens, 'tokenOf'>;
  /** Of Event Grid events: `/subscriptions/…/communicationservices/<name>`. */
  readonly topic: string;
  /** Name by which CloudEvents receivers allowed us (WebHook-Request-Origin). */
  readonly webhookOrigin: string;
};

/** Posts one event to one destination, once. Never rejects. */
export async function attemptDelivery(
  context: AttemptContext,
  delivery: DeliveryRecord,
  event: EventRecord,
  subscription: SubscriptionRecord | undefined,
  nowMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  try {
    const request = await requestFor(context, delivery, event, subscription);
    let { status, headers } = await context.sender.send({ ...request, signal });
    const elsewhere = event.kind === 'notification' ? movedTo(request.url, status, headers) : '';
    if (elsewhere !== '') {
      const moved = { ...request, url: elsewhere, signal };
      ({ status, headers } = await context.sender.send(moved));
    }
    const delivered = event.kind === 'notification' ? isTaken(status) : isDelivered(status);
    if (delivered) return { delivered: true, status };
    return {
      delivered: false,
      status,
      error: `answered with status ${String(status)}`,
      retryAfterMs: parseRetryAfterMs(headers['retry-after'], nowMs),
      final: isFinal(status),
    };
  } catch (error) {
    return {
      delivered: false,
      status: undefined,
      error: error instanceof Error ? error.message : String(error),
      retryAfterMs: undefined,
      // The address will be refused the next time as well.
      final: error instanceof TapedeckError && error.code === 'url-refused',
    };
  }
}

/** A bot may have a notification sent to another deployment of it, once; the address is checked like any. */
function movedTo(url: string, status: number, headers: HttpResponse['headers']): string {
  if (status !== 302 && status !== 307) return '';
  return URL.parse(headers['location'] ?? '', url)?.href ?? '';
}

function requestFor(
  context: AttemptContext,
  delivery: DeliveryRecord,
  event: EventRecord,
  subscription: SubscriptionRecord | undefined,
): HttpRequest | Promise<HttpRequest> {
  if (subscription !== undefined) return gridRequest(context, delivery, event, subscription);
  return event.kind === 'notification'
    ? notificationRequest(context, delivery, event)
    : callbackRequest(context.signer, delivery, event);
}

async function notificationRequest(
  { notificationSigner: signer, responseTokens }: AttemptContext,
  delivery: DeliveryRecord,
  event: EventRecord,
): Promise<HttpRequest> {
  const content = notificationOf(event);
  const { contentType, body } = notificationEnvelope(content, responseTokens);
  const { callChainId } = content;
  return post(delivery.destination, body, {
    'content-type': contentType,
    accept: 'application/json',
    authorization: await signer.authorization(content),
    'user-agent': NOTIFICATION_USER_AGENT,
    'x-microsoft-skype-chain-id': callChainId,
    'scenario-id': callChainId,
    'x-microsoft-skype-message-id': event.eventId,
    'client-request-id': event.eventId,
  });
}

async function callbackRequest(
  signer: CallbackSigner,
  delivery: DeliveryRecord,
  event: EventRecord,
): Promise<HttpRequest> {
  const { contentType, body } = callbackEnvelope(event);
  return post(delivery.destination, body, {
    'content-type': contentType,
    authorization: await signer.authorization(),
  });
}

function gridRequest(
  context: AttemptContext,
  delivery: DeliveryRecord,
  event: EventRecord,
  subscription: SubscriptionRecord,
): HttpRequest {
  const { contentType, body } = gridEnvelope(event, subscription.schema, context.topic);
  return post(subscription.endpoint, body, {
    ...subscription.headers,
    'content-type': contentType,
    ...deliveryHeaders('Notification', subscription.name, delivery.attempts),
    'aeg-data-version': DATA_VERSION,
    'aeg-output-event-id': event.eventId,
    ...(subscription.schema === 'cloudevents'
      ? { 'webhook-request-origin': context.webhookOrigin, origin: context.webhookOrigin }
      : {}),
  });
}

/** The headers that Event Grid sends; `attempts` are those that were made before. */
export function deliveryHeaders(
  eventType: 'SubscriptionValidation' | 'Notification',
  subscriptionName: string,
  attempts: number,
): Readonly<Record<string, string>> {
  return {
    'aeg-event-type': eventType,
    'aeg-subscription-name': subscriptionName.toUpperCase(),
    'aeg-delivery-count': String(attempts),
    'aeg-metadata-version': METADATA_VERSION,
  };
}

export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): HttpRequest {
  return {
    method: 'POST',
    url,
    headers,
    body,
    timeoutMs: RESPONSE_TIMEOUT_MS,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    keepConnection: true,
  };
}
