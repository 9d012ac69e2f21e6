import type { CallbackSigner } from '../core/ports/callback-signer.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { NotificationSigner } from '../core/ports/notification-signer.ts';
import type { DueDelivery } from '../core/ports/ledger.ts';
import type { ResponseTokens } from '../core/ports/response-recorder.ts';
import { attemptDelivery, type AttemptResult, RESPONSE_TIMEOUT_MS } from './attempt.ts';
import { SUBSCRIPTION_DELETED, TIME_TO_LIVE_EXCEEDED } from './dead-letters.ts';
import { DEFAULT_LIMITS, Destinations, type DestinationLimits } from './destinations.ts';
import { Settlement, type SettlementOptions } from './settlement.ts';

export type DeliveryOptions = SettlementOptions & {
  readonly sender: HttpSender;
  readonly signer: CallbackSigner;
  readonly notificationSigner: NotificationSigner;
  /** Added to notifications of responses. */
  readonly responseTokens: Pick<ResponseTokens, 'tokenOf'>;
  /** Sent to CloudEvents receivers as WebHook-Request-Origin. */
  readonly webhookOrigin: string;
  /** No other process delivers from this outbox: leases left by a crash end at the start. */
  readonly soleDeliverer: boolean;
  readonly limits?: DestinationLimits;
};

/** Longer than an attempt may take, waiting for its turn included. */
const LEASE_MS = 2 * RESPONSE_TIMEOUT_MS;

/** Claimed deliveries kept in memory, waiting or under way. */
const MAX_HELD = 4_096;
const CLAIM_ROWS = 64;

/** The outbox is looked at least so often, in case the wall clock was set. */
const MAX_SLEEP_MS = 60_000;
const AFTER_DATABASE_ERROR_MS = 1_000;
/** A destination that does not answer gets what else there is for it after this, spread over twice that. */
const SILENT_DESTINATION_MS = 30_000;
/** A subscription that is not validated yet; `Outbox.hasten` ends the wait when it is. */
const UNVALIDATED_MS = 60_000;

const DEFAULT_CLOSE_GRACE_MS = 5_000;

/** Takes due deliveries from the outbox and posts them until they are acknowledged or dead. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #destinations: Destinations<DueDelivery>;
  readonly #settlement: Settlement;
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
    this.#settlement = new Settlement(options);
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
      // Somebody woke it meanwhile: it looks again at once.
      if (this.#pumpAgain) return;
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
      this.#track(this.#settlement.unattempted(due, TIME_TO_LIVE_EXCEEDED));
    } else if (event.kind === 'grid' && subscription === undefined) {
      this.#track(this.#settlement.unattempted(due, SUBSCRIPTION_DELETED));
    } else if (subscription !== undefined && subscription.state !== 'active') {
      this.#track(this.#postpone(due, UNVALIDATED_MS));
    } else {
      const key = originOf(subscription?.endpoint ?? delivery.destination);
      const admission = this.#destinations.admit(key, due);
      if (admission === 'go') this.#track(this.#attempt(key, due));
      else if (admission === 'later') this.#track(this.#postpone(due, this.#laterMs(key)));
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
    const made = await this.#attemptOnce(key, due);
    // Its place is free: what became of it can be stored while the next one is sent.
    this.#startWaiting();
    if (made === undefined) return;
    const { result, startedAtMs, tookMs } = made;
    const isAnswered = result.delivered || result.status !== undefined;
    if (!isAnswered && this.#abort.signal.aborted) await this.#giveBack(due);
    else await this.#settlement.attempted(due, result, startedAtMs, Math.round(tookMs));
  }

  /** `undefined`: there was none. */
  async #attemptOnce(
    key: string,
    due: DueDelivery,
  ): Promise<
    | {
        readonly result: AttemptResult;
        readonly startedAtMs: number;
        readonly tookMs: number;
      }
    | undefined
  > {
    const { clock } = this.#options;
    const { delivery, event } = due;
    const startedUs = clock.monotonicUs();
    let answered: boolean | undefined;
    let tookMs = 0;
    try {
      const leaseEndUs = this.#leaseEndUs.get(due) ?? 0;
      // It waited so long for its turn that another claim could begin while it is under way.
      if (startedUs + RESPONSE_TIMEOUT_MS * 1_000 > leaseEndUs) return undefined;
      const startedAtMs = clock.nowMs();
      const subscription =
        event.kind === 'grid' ? this.#options.subscription(delivery.destination) : undefined;
      if (event.kind === 'grid' && subscription === undefined) {
        await this.#settlement.unattempted(due, SUBSCRIPTION_DELETED);
        return undefined;
      }
      const result = await attemptDelivery(
        this.#options,
        delivery,
        event,
        subscription,
        startedAtMs,
        this.#abort.signal,
      );
      tookMs = (clock.monotonicUs() - startedUs) / 1_000;
      answered = result.delivered || result.status !== undefined;
      return { result, startedAtMs, tookMs };
    } finally {
      this.#destinations.finished(key, answered, tookMs);
    }
  }

  async #postpone({ delivery }: DueDelivery, byMs: number): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    await this.#options.outbox.settleUnattempted(
      delivery.deliveryId,
      { state: 'waiting', nextAttemptAtMs: Math.min(nowMs + byMs, delivery.expiresAtMs) },
      nowMs,
    );
  }

  #laterMs(key: string): number {
    return this.#destinations.isSilent(key)
      ? SILENT_DESTINATION_MS * (1 + this.#options.random.fraction())
      : this.#destinations.laterMs(key, this.#options.clock.monotonicUs() / 1_000);
  }

  /** Due again at once, for whoever comes next. */
  #giveBack(due: DueDelivery): Promise<void> {
    return this.#postpone(due, 0);
  }
}

/** Limits go by scheme, host and port. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
