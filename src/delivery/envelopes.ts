import type { ResponseTokens } from '../core/ports/response-recorder.ts';
import type { BotNotification, EventRecord, SubscriptionRecord } from '../core/records.ts';

export const DATA_VERSION = '1.0';
export const METADATA_VERSION = '1';

/** One POST's content. */
export type Envelope = { readonly contentType: string; readonly body: string };

/** A Call Automation callback: an array of one CloudEvent (version 1.0). */
export function callbackEnvelope(event: EventRecord): Envelope {
  return { contentType: 'application/json', body: JSON.stringify([callbackEvent(event)]) };
}

/** The CloudEvent as it stands in the body, without the array around it. */
export function callbackEvent(event: EventRecord): Readonly<Record<string, unknown>> {
  return {
    id: event.eventId,
    source: event.source,
    type: event.type,
    specversion: '1.0',
    datacontenttype: 'application/json',
    time: timeText(event.occurredAtMs, '+00:00'),
    subject: event.subject,
    data: parseData(event),
  };
}

/** A Graph notification: a collection of one, with the token of what it tells of. */
export function notificationEnvelope(
  { notification, tokenOf }: BotNotification,
  tokens: Pick<ResponseTokens, 'tokenOf'>,
): Envelope {
  const recordingAccessToken = tokenOf && tokens.tokenOf(tokenOf);
  const resourceData = notification['resourceData'] as Readonly<Record<string, unknown>>;
  const value =
    recordingAccessToken === undefined
      ? notification
      : { ...notification, resourceData: { ...resourceData, recordingAccessToken } };
  const body = { '@odata.type': '#microsoft.graph.commsNotifications', value: [value] };
  return { contentType: 'application/json', body: JSON.stringify(body) };
}

/** Whom a notification is for, and what it says. */
export function notificationOf(event: EventRecord): BotNotification {
  return parseData(event) as BotNotification; // what the event was made with
}

/** An event for a subscription in the schema it asked for. */
export function gridEnvelope(
  event: EventRecord,
  schema: SubscriptionRecord['schema'],
  topic: string,
): Envelope {
  const content = gridEvent(event, schema, topic);
  return schema === 'eventgrid'
    ? { contentType: 'application/json; charset=utf-8', body: JSON.stringify([content]) }
    : {
        contentType: 'application/cloudevents+json; charset=utf-8',
        body: JSON.stringify(content),
      };
}

/** The event as it stands in the body, without the array around it. */
export function gridEvent(
  event: EventRecord,
  schema: SubscriptionRecord['schema'],
  topic: string,
): Readonly<Record<string, unknown>> {
  if (schema === 'cloudevents') {
    return {
      id: event.eventId,
      source: topic,
      subject: event.subject,
      type: event.type,
      time: timeText(event.occurredAtMs, 'Z'),
      specversion: '1.0',
      datacontenttype: 'application/json',
      data: parseData(event),
    };
  }
  return {
    id: event.eventId,
    topic,
    subject: event.subject,
    data: parseData(event),
    eventType: event.type,
    eventTime: timeText(event.occurredAtMs, 'Z'),
    dataVersion: DATA_VERSION,
    metadataVersion: METADATA_VERSION,
  };
}

/** ISO 8601 with seven digits of a second, as the vendor's services write it. */
export function timeText(ms: number, zone: 'Z' | '+00:00'): string {
  return `${new Date(ms).toISOString().slice(0, -1)}0000${zone}`;
}

function parseData(event: EventRecord): unknown {
  return JSON.parse(event.data);
}
