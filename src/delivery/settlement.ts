import type { Clock } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { DeliveryOutcome, DueDelivery, Outbox } from '../core/ports/ledger.ts';
import type { Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { EventRecord, SubscriptionRecord } from '../core/records.ts';
import type { AttemptResult } from './attempt.ts';
import {
  DeadLetters,
  MAX_ATTEMPTS_EXCEEDED,
  outcomeOf,
  reasonOfFinal,
  URL_REFUSED,
} from './dead-letters.ts';
import { callbackEvent, gridEvent, notificationOf, timeText } from './envelopes.ts';
import { retryDelayMs } from './retry-policy.ts';

export type SettlementOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly outbox: Outbox;
  readonly disk: Disk;
  /** Where dead letters are written; made when the first one dies. */
  readonly deadLetterDirectory: string;
  /** The subscription of this name, whatever its state. */
  readonly subscription: (name: string) => SubscriptionRecord | undefined;
  /** Of Event Grid events: `/subscriptions/…/communicationservices/<name>`. */
  readonly topic: string;
};

/** What becomes of a delivery after an attempt, or without one: done, tried again, or dead. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #deadLetters: DeadLetters;

  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#deadLetters = new DeadLetters(options.disk, options.deadLetterDirectory);
  }

  /** The attempt is stored with what follows from it; the dead letter is written before. */
  async attempted(
    due: DueDelivery,
    result: AttemptResult,
    startedAtMs: number,
    durationMs: number,
  ): Promise<void> {
    const { log, outbox } = this.#options;
    const { delivery, event } = due;
    const attempt = delivery.attempts + 1;
    const outcome = this.#outcomeOf(due, result, startedAtMs + durationMs);
    const fields = {
      eventId: event.eventId,
      type: event.type,
      destination: delivery.destination,
      attempt,
      httpStatus: result.status,
      durationMs,
    };
    if (result.delivered) {
      log.debug(fields, 'event delivered');
    } else if (outcome.state === 'dead') {
      log.error({ ...fields, error: result.error, reason: outcome.reason }, 'event is dead');
      await this.#writeDeadLetter(due, outcome.reason, {
        attempts: attempt,
        status: result.status,
        attemptedAtMs: startedAtMs,
      });
    } else {
      log.warn({ ...fields, error: result.error, ...outcome }, 'event not delivered, will retry');
    }
    await outbox.settle(
      {
        deliveryId: delivery.deliveryId,
        attempt,
        startedAtMs,
        durationMs,
        httpStatus: result.status,
        error: result.delivered ? undefined : result.error,
      },
      outcome,
    );
  }

  #outcomeOf({ delivery }: DueDelivery, result: AttemptResult, endedAtMs: number): DeliveryOutcome {
    if (result.delivered) return { state: 'delivered' };
    const attempt = delivery.attempts + 1;
    if (result.final) {
      const reason = result.status === undefined ? URL_REFUSED : reasonOfFinal(result.status);
      return { state: 'dead', reason };
    }
    if (attempt >= delivery.maxAttempts) return { state: 'dead', reason: MAX_ATTEMPTS_EXCEEDED };
    const delayMs = retryDelayMs({
      attempt,
      status: result.status,
      retryAfterMs: result.retryAfterMs,
      fraction: this.#options.random.fraction(),
    });
    // One that would outlive its time waits no longer than that, to be put away then.
    const nextAttemptAtMs = Math.min(endedAtMs + delayMs, delivery.expiresAtMs);
    return { state: 'waiting', nextAttemptAtMs };
  }

  /** A claimed delivery that is not to be attempted any more. */
  async unattempted(due: DueDelivery, reason: string): Promise<void> {
    const { clock, log, outbox } = this.#options;
    const { delivery, event } = due;
    log.error(
      { eventId: event.eventId, type: event.type, destination: delivery.destination, reason },
      'event is dead',
    );
    const last = (await outbox.event(event.eventId))?.attempts.findLast(
      ({ deliveryId }) => deliveryId === delivery.deliveryId,
    );
    await this.#writeDeadLetter(due, reason, {
      attempts: delivery.attempts,
      status: last?.httpStatus,
      attemptedAtMs: last?.startedAtMs,
    });
    await outbox.settleUnattempted(delivery.deliveryId, { state: 'dead', reason }, clock.nowMs());
  }

  async #writeDeadLetter(
    { delivery, event }: DueDelivery,
    reason: string,
    last: {
      readonly attempts: number;
      readonly status: number | undefined;
      readonly attemptedAtMs: number | undefined;
    },
  ): Promise<void> {
    const { clock, log, subscription, topic } = this.#options;
    const content = contentOf(event, subscription(delivery.destination)?.schema, topic);
    try {
      await this.#deadLetters.write(delivery.deliveryId, clock.nowMs(), content, {
        deadLetterReason: reason,
        deliveryAttempts: last.attempts,
        lastDeliveryOutcome: last.attempts === 0 ? 'NotAttempted' : outcomeOf(last.status),
        lastHttpStatusCode: last.status,
        publishTime: timeText(event.occurredAtMs, 'Z'),
        lastDeliveryAttemptTime:
          last.attemptedAtMs === undefined ? undefined : timeText(last.attemptedAtMs, 'Z'),
      });
    } catch (error) {
      // The row stays, with its reason and attempts: the event can still be sent again.
      log.error({ error, deliveryId: delivery.deliveryId }, 'a dead letter could not be written');
    }
  }
}

/** What the receiver would have got. */
function contentOf(
  event: EventRecord,
  schema: SubscriptionRecord['schema'] | undefined,
  topic: string,
): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case 'callback':
      return callbackEvent(event);
    case 'grid':
      return gridEvent(event, schema ?? 'eventgrid', topic);
    case 'notification':
      return notificationOf(event).notification;
  }
}
