import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Outbox } from '../../core/ports/ledger.ts';
import type { AttemptRecord, DeliveryRecord, EventRecord } from '../../core/records.ts';
import type { Routes } from '../routes.ts';
import { isoTime, limitOf, PageQuery } from './page.ts';

const Params = Type.Object({ event: Type.String({ maxLength: 128 }) });

/** `GET /admin/events[/{id}]`, `POST /admin/events/{id}/redeliver`. */
export function eventRoutes(
  routes: Routes,
  outbox: Pick<Outbox, 'events' | 'event' | 'redeliver'>,
  clock: Clock,
): void {
  routes.get('/admin/events', { schema: { querystring: PageQuery } }, async (request) => {
    const { before } = request.query;
    const events = await outbox.events({
      limit: limitOf(request.query),
      ...(before !== undefined && { beforeMs: Date.parse(before) }),
    });
    return {
      value: events.map(({ event, deliveries }) => ({
        ...toEvent(event),
        deliveries: deliveries.map(toDelivery),
      })),
    };
  });

  routes.get('/admin/events/:event', { schema: { params: Params } }, async (request) => {
    const found = await outbox.event(request.params.event);
    if (found === undefined) throw eventNotFound();
    return {
      ...toEvent(found.event),
      data: JSON.parse(found.event.data) as unknown,
      deliveries: found.deliveries.map((delivery) => ({
        ...toDelivery(delivery),
        attempts: found.attempts
          .filter((attempt) => attempt.deliveryId === delivery.deliveryId)
          .map(toAttempt),
      })),
    };
  });

  routes.post('/admin/events/:event/redeliver', { schema: { params: Params } }, async (request) => {
    const deliveries = await outbox.redeliver(request.params.event, clock.nowMs());
    if (deliveries === 0) throw eventNotFound();
    return { deliveries };
  });
}

function eventNotFound(): TapedeckError {
  return new TapedeckError('event-not-found', 'No event with deliveries has this id.');
}

function toEvent(event: EventRecord): Record<string, unknown> {
  return {
    eventId: event.eventId,
    kind: event.kind,
    type: event.type,
    subject: event.subject,
    occurredAt: isoTime(event.occurredAtMs),
  };
}

function toDelivery(delivery: DeliveryRecord): Record<string, unknown> {
  return {
    deliveryId: delivery.deliveryId,
    destination: delivery.destination,
    state: delivery.state,
    attemptCount: delivery.attempts,
    nextAttemptAt: delivery.state === 'waiting' ? isoTime(delivery.nextAttemptAtMs) : undefined,
  };
}

function toAttempt(attempt: AttemptRecord): Record<string, unknown> {
  return {
    attempt: attempt.attempt,
    startedAt: isoTime(attempt.startedAtMs),
    durationMs: attempt.durationMs,
    httpStatus: attempt.httpStatus,
    error: attempt.error,
  };
}
