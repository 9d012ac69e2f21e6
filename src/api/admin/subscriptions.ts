import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { SubscriptionAdmin } from '../../core/ports/subscription-admin.ts';
import type { SubscriptionRecord } from '../../core/records.ts';
import { type CallbackUris, MAX_URI_CHARACTERS } from '../acs/fields.ts';
import { NO_CONTENT, type Routes, send } from '../routes.ts';
import { isoTime } from './page.ts';

/** The documented limits. */
const MAX_ATTEMPTS = 30;
const MAX_TIME_TO_LIVE_MINUTES = 1_440;
const MAX_HEADERS = 10;
const MAX_HEADER_BYTES = 4_096;

const Params = Type.Object({ name: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }) });
const Body = Type.Object({
  endpoint: Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS }),
  schema: Type.Optional(Type.Union([Type.Literal('eventgrid'), Type.Literal('cloudevents')])),
  includedTypes: Type.Optional(Type.Array(Type.String({ maxLength: 128 }), { maxItems: 100 })),
  maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_ATTEMPTS })),
  timeToLiveMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TIME_TO_LIVE_MINUTES })),
  headers: Type.Optional(
    Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9-]{1,128}$' }),
      Type.String({ maxLength: MAX_HEADER_BYTES, pattern: '^[\\t\\x20-\\x7e]*$' }),
      { maxProperties: MAX_HEADERS, additionalProperties: false },
    ),
  ),
});

/** `GET|PUT|DELETE /admin/event-subscriptions`. */
export function subscriptionRoutes(
  routes: Routes,
  subscriptions: SubscriptionAdmin,
  callbackUris: CallbackUris,
): void {
  const path = '/admin/event-subscriptions';

  routes.get(path, async () => ({ value: (await subscriptions.list()).map(toSubscription) }));

  routes.put(`${path}/:name`, { schema: { params: Params, body: Body } }, async (request) => {
    const { body } = request;
    return toSubscription(
      await subscriptions.put({
        name: request.params.name,
        endpoint: callbackUris.check(body.endpoint, 'endpoint'),
        schema: body.schema ?? 'eventgrid',
        includedTypes: body.includedTypes ?? [],
        maxAttempts: body.maxAttempts ?? MAX_ATTEMPTS,
        timeToLiveMinutes: body.timeToLiveMinutes ?? MAX_TIME_TO_LIVE_MINUTES,
        headers: body.headers ?? {},
      }),
    );
  });

  routes.delete(`${path}/:name`, { schema: { params: Params } }, async (request, reply) => {
    if (await subscriptions.remove(request.params.name)) return send(reply, NO_CONTENT);
    throw new TapedeckError('subscription-not-found', 'No event subscription has this name.');
  });
}

/** Without the validation code, which is the subscriber's, and the values of headers. */
function toSubscription(record: SubscriptionRecord): Record<string, unknown> {
  return {
    name: record.name,
    endpoint: record.endpoint,
    schema: record.schema,
    includedTypes: record.includedTypes,
    state: record.state,
    maxAttempts: record.maxAttempts,
    timeToLiveMinutes: record.timeToLiveMinutes,
    headerNames: Object.keys(record.headers),
    origin: record.origin,
    createdAt: isoTime(record.createdAtMs),
  };
}

const ConfirmQuery = Type.Object({ code: Type.String({ minLength: 1, maxLength: 256 }) });

/** The validation URL that a person or a receiver opens; the code is the proof. */
export function confirmationRoutes(routes: Routes, subscriptions: SubscriptionAdmin): void {
  const confirm = async (name: string, code: string): Promise<Record<string, string>> => {
    if (await subscriptions.confirm(name, code)) return { status: 'validated' };
    throw new TapedeckError('argument-invalid', 'The validation code is wrong or has expired.', {
      field: 'code',
    });
  };
  routes.route({
    // CloudEvents receivers may use either (HTTP web hooks for event delivery §4.1.2).
    method: ['GET', 'POST'],
    url: '/event-subscriptions/:name/validate',
    schema: { params: Params, querystring: ConfirmQuery },
    handler: (request) => confirm(request.params.name, request.query.code),
  });
}
