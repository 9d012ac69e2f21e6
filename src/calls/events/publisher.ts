import type { Clock } from '../../core/ports/clock.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { Random } from '../../core/ports/random.ts';
import type { BotNotification, DeliveryRecord, SubscriptionRecord } from '../../core/records.ts';
import { isKnownTo } from './generation.ts';

const TYPE_PREFIX = 'Microsoft.Communication.';

/** Callbacks follow the delivery rules of event subscriptions. */
const CALLBACK_MAX_ATTEMPTS = 30;
const CALLBACK_TIME_TO_LIVE_MS = 1440 * 60_000;

export type CallbackEvent = {
  /** Without prefix: `CallConnected`. */
  readonly name: string;
  readonly uri: string;
  /** Deliveries of one key keep their order. */
  readonly orderKey: string;
  readonly apiVersion: string;
  readonly source: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type NotificationEvent = BotNotification & {
  /** Full type: `microsoft.graph.call`. */
  readonly type: string;
  readonly uri: string;
  /** Deliveries of one key keep their order. */
  readonly orderKey: string;
  /** What it is about: `/communications/calls/…`. */
  readonly resourceUrl: string;
};

export type GridEvent = {
  /** Without prefix: `IncomingCall`. */
  readonly name: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Turns what happened into outbox facts, addressed to whoever is to hear of it. */
export class EventPublisher {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #subscribersOf: (type: string) => readonly SubscriptionRecord[];

  constructor(ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly subscribersOf: (type: string) => readonly SubscriptionRecord[];
  }) {
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#subscribersOf = ports.subscribersOf;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** No fact when the client's generation does not know the event. */
  callback(event: CallbackEvent): readonly Fact[] {
    if (!isKnownTo(event.apiVersion, event.name)) return [];
    const eventId = this.#random.uuid();
    const nowMs = this.#clock.nowMs();
    return [
      {
        kind: 'event',
        event: {
          eventId,
          kind: 'callback',
          type: TYPE_PREFIX + event.name,
          source: event.source,
          subject: event.subject,
          occurredAtMs: nowMs,
          data: JSON.stringify(event.data),
        },
        deliveries: [
          this.#delivery(eventId, event.uri, {
            orderKey: event.orderKey,
            expiresAtMs: nowMs + CALLBACK_TIME_TO_LIVE_MS,
            maxAttempts: CALLBACK_MAX_ATTEMPTS,
          }),
        ],
      },
    ];
  }

  /** Goes to a bot by the rules of callbacks. */
  notification({ type, uri, orderKey, resourceUrl, ...content }: NotificationEvent): Fact {
    const eventId = this.#random.uuid();
    const nowMs = this.#clock.nowMs();
    return {
      kind: 'event',
      event: {
        eventId,
        kind: 'notification',
        type,
        source: '',
        subject: resourceUrl,
        occurredAtMs: nowMs,
        data: JSON.stringify(content satisfies BotNotification),
      },
      deliveries: [
        this.#delivery(eventId, uri, {
          orderKey,
          expiresAtMs: nowMs + CALLBACK_TIME_TO_LIVE_MS,
          maxAttempts: CALLBACK_MAX_ATTEMPTS,
        }),
      ],
    };
  }

  /** A fact even when nobody subscribes: the event is listed, and can be delivered later. */
  grid(event: GridEvent): Fact {
    const eventId = this.#random.uuid();
    const type = TYPE_PREFIX + event.name;
    const nowMs = this.#clock.nowMs();
    return {
      kind: 'event',
      event: {
        eventId,
        kind: 'grid',
        type,
        source: '',
        subject: event.subject,
        occurredAtMs: nowMs,
        data: JSON.stringify(event.data),
      },
      deliveries: this.#subscribersOf(type).map((subscription) =>
        this.#delivery(eventId, subscription.name, {
          orderKey: undefined,
          expiresAtMs: nowMs + subscription.timeToLiveMinutes * 60_000,
          maxAttempts: subscription.maxAttempts,
        }),
      ),
    };
  }

  #delivery(
    eventId: string,
    destination: string,
    rules: Pick<DeliveryRecord, 'orderKey' | 'expiresAtMs' | 'maxAttempts'>,
  ): DeliveryRecord {
    return {
      deliveryId: this.#random.uuid(),
      eventId,
      destination,
      state: 'waiting',
      attempts: 0,
      nextAttemptAtMs: this.#clock.nowMs(),
      ...rules,
    };
  }
}
