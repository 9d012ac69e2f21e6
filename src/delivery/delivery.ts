import type { CallbackSigner } from '../core/ports/callback-signer.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { DeliveryOutcome, DueDelivery, Outbox } from '../core/ports/ledger.ts';
import type { Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { SubscriptionRecord } from '../core/records.ts';
import { attemptDelivery, RESPONSE_TIMEOUT_MS, type AttemptResult } from './attempt.ts';
import {
  DeadLetters,
  MAX_ATTEMPTS_EXCEEDED,
  outcomeOf,
  reasonOfFinal,
  TIME_TO_LIVE_EXCEEDED,
} from './dead-letters.ts';
import { DEFAULT_LIMITS, Destinations, type DestinationLimits } from './destinations.ts';
import { callbackEvent, gridEvent, timeText } from './envelopes.ts';
import { retryDelayMs } from './retry-policy.ts';

export type DeliveryOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly outbox: Outbox;
  readonly sender: HttpSender;
  readonly signer: CallbackSigner;
  readonly disk: Disk;
  /** Where dead letters are written; made when the first one dies. */
  readonly deadLetterDirectory: string;
  /** The subscription of this name, whatever its state. */
  readonly subscription: (name: string) => SubscriptionRecord | undefined;
  /** Of Event Grid events: `/subscriptions/…/communicationservices/<name>`. */
  readonly topic: string;
  /** Sent to CloudEvents receivers as WebHook-Request-Origin. */
  readonly webhookOrigin: string;
  /** No other process delivers from this outbox: leases left by a crash end at the start. */
  readonly soleDeliverer: boolean;
  readonly limits?: DestinationLimits;
};

/** Longer than an attempt may take, waiting for its turn included. */
const LEASE_MS = 2 * RESPONSE_TIMEOUT_MS;

/** Claimed deliveries kept in memory, waiting or under way. */
const MAX_HELD = 512;
const CLAIM_ROWS = 64;

/** The outbox is looked at least so often, in case the wall clock was set. */
const MAX_SLEEP_MS = 60_000;
const AFTER_DATABASE_ERROR_MS = 1_000;
/** A destination that has too many waiting already gets the rest after this. */
const BUSY_DESTINATION_MS = 5_000;
/** A subscription that is not validated yet; `Outbox.hasten` ends the wait when it is. */
const UNVALIDATED_MS = 60_000;

const DEFAULT_CLOSE_GRACE_MS = 5_000;

/** Takes due deliveries from the outbox and posts them until they are acknowledged or dead. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #destinations: Destinations<DueDelivery>;
  readonly #deadLetters: DeadLetters;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  /** Leases end on their own; what is held longer than its lease must not be sent from here. */
  readonly #leaseEndUs = new WeakMap<DueDelivery, number>();
  #held = 0;
  #state: 'new' | 'running' | 'closing' | 'closed' = 'new';
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #closing: Promise<void> | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#destinations = new Destinations(options.limits ?? DEFAULT_LIMITS);
    this.#deadLetters = new DeadLetters(options.disk, options.deadLetterDirectory);
  }

  /** Begins to deliver; rejects with `database-failed` if the outbox cannot be read. */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    const { clock, outbox, soleDeliverer } = this.#options;
    if (soleDeliverer) await outbox.releaseLeases(clock.nowMs());
    this.#state = 'running';
    this.wake();
  }

  /** To be called after every commit that put an event into the outbox: it is taken at once. */
  wake(): void {
    if (this.#state !== 'running' && this.#state !== 'closing') return;
    if (this.#pumping !== undefined) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#pumpAgain) {
        this.#pumpAgain = false;
        this.wake();
      }
    });
  }

  /** Sends every delivery of the event again. Resolves with how many there are; 0: no such event. */
  async redeliver(eventId: string): Promise<number> {
    const count = await this.#options.outbox.redeliver(eventId, this.#options.clock.nowMs());
    if (count > 0) this.wake();
    return count;
  }

  /**
   * Goes on with what is due now for at most `graceMs`, then ends what is under way; it is due
   * again when the next process starts. Idempotent.
   */
  close(graceMs: number = DEFAULT_CLOSE_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#state === 'running' && graceMs > 0) {
      this.#state = 'closing';
      let grace: Timer | undefined;
      const patience = new Promise<undefined>((resolve) => {
        grace = this.#options.clock.setTimer(graceMs, () => {
          resolve(undefined);
        });
      });
      this.wake();
      await Promise.race([this.#idle(), patience]);
      grace?.cancel();
    }
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#abort.abort();
    await this.#idle();
    for (const due of this.#destinations.drain()) {
      await this.#giveBack(due).catch((error: unknown) => {
        this.#options.log.error({ error }, 'a delivery could not be given back');
      });
    }
  }

  /** Resolves when nothing is under way and nothing due was left unclaimed. */
  async #idle(): Promise<void> {
    while (this.#pumping !== undefined || this.#underWay.size > 0) {
      await this.#pumping;
      if (this.#underWay.size > 0) await Promise.race(this.#underWay);
      // The turn in which a finished attempt may have woken the pump again.
      await Promise.resolve();
    }
  }

  async #pump(): Promise<void> {
    const { clock, outbox, log } = this.#options;
    this.#timer?.cancel();
    let sleepMs = MAX_SLEEP_MS;
    try {
      for (;;) {
        const room = Math.min(CLAIM_ROWS, MAX_HELD - this.#held);
        if (room <= 0 || this.#state === 'closed') return; // the next one that ends wakes us
        const leaseEndUs = clock.monotonicUs() + LEASE_MS * 1_000;
        const due = await outbox.claimDue(clock.nowMs(), room, LEASE_MS);
        for (const each of due) {
          this.#leaseEndUs.set(each, leaseEndUs);
          this.#take(each);
        }
        if (due.length < room) break;
      }
      const nextMs = await outbox.nextDueAtMs();
      if (nextMs !== undefined) sleepMs = Math.min(sleepMs, nextMs - clock.nowMs());
    } catch (error) {
      log.error({ error }, 'the outbox cannot be read; trying again');
      sleepMs = AFTER_DATABASE_ERROR_MS;
    }
    if (this.#state !== 'running') return;
    this.#timer = clock.setTimer(Math.max(1, sleepMs), () => {
      this.wake();
    });
  }

  #take(due: DueDelivery): void {
    this.#held += 1;
    const { delivery, event } = due;
    const nowMs = this.#options.clock.nowMs();
    const subscription =
      event.kind === 'grid' ? this.#options.subscription(delivery.destination) : undefined;
    if (nowMs >= delivery.expiresAtMs) {
      this.#track(this.#bury(due, TIME_TO_LIVE_EXCEEDED));
    } else if (event.kind === 'grid' && subscription === undefined) {
      this.#track(this.#bury(due, 'SubscriptionDeleted'));
    } else if (subscription !== undefined && subscription.state !== 'active') {
      this.#track(this.#postpone(due, UNVALIDATED_MS));
    } else {
      const key = originOf(subscription?.endpoint ?? delivery.destination);
      const admission = this.#destinations.admit(key, due);
      if (admission === 'go') this.#track(this.#attempt(key, due));
      else if (admission === 'later') this.#track(this.#postpone(due, BUSY_DESTINATION_MS));
    }
  }

  /** Sees to the end of work on a claimed delivery, however it ends. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        // The lease ends on its own, and the delivery is repeated.
        this.#options.log.error({ error }, 'what became of a delivery was not stored');
      })
      .finally(() => {
        this.#held -= 1;
        this.#underWay.delete(tracked);
        this.#startWaiting();
        this.wake();
      });
    this.#underWay.add(tracked);
  }

  #startWaiting(): void {
    if (this.#state === 'closed') return;
    for (;;) {
      const next = this.#destinations.next();
      if (next === undefined) return;
      this.#track(this.#attempt(next.key, next.item));
    }
  }

  async #attempt(key: string, due: DueDelivery): Promise<void> {
    const { clock } = this.#options;
    const { delivery, event } = due;
    let answered: boolean | undefined;
    try {
      const startedUs = clock.monotonicUs();
      const leaseEndUs = this.#leaseEndUs.get(due) ?? 0;
      // It waited so long for its turn that another claim could begin while it is under way.
      if (startedUs + RESPONSE_TIMEOUT_MS * 1_000 > leaseEndUs) return;
      const startedAtMs = clock.nowMs();
      const subscription =
        event.kind === 'grid' ? this.#options.subscription(delivery.destination) : undefined;
      if (event.kind === 'grid' && subscription === undefined) {
        await this.#bury(due, 'SubscriptionDeleted');
        return;
      }
      const result = await attemptDelivery(
        this.#options,
        delivery,
        event,
        subscription,
        startedAtMs,
        this.#abort.signal,
      );
      answered = result.delivered || result.status !== undefined;
      if (!answered && this.#abort.signal.aborted) {
        await this.#giveBack(due);
        return;
      }
      const durationMs = Math.round((clock.monotonicUs() - startedUs) / 1_000);
      await this.#settle(due, result, startedAtMs, durationMs);
    } finally {
      this.#destinations.finished(key, answered);
    }
  }

  async #settle(
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
      const reason =
        result.status === undefined ? 'UndeliverableDueToUrl' : reasonOfFinal(result.status);
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

  async #bury(due: DueDelivery, reason: string): Promise<void> {
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

  async #postpone({ delivery }: DueDelivery, byMs: number): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    await this.#options.outbox.settleUnattempted(
      delivery.deliveryId,
      { state: 'waiting', nextAttemptAtMs: Math.min(nowMs + byMs, delivery.expiresAtMs) },
      nowMs,
    );
  }

  /** Due again at once, for whoever comes next. */
  #giveBack(due: DueDelivery): Promise<void> {
    return this.#postpone(due, 0);
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
    const content =
      event.kind === 'callback'
        ? callbackEvent(event)
        : gridEvent(event, subscription(delivery.destination)?.schema ?? 'eventgrid', topic);
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

/** Limits go by scheme, host and port. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
