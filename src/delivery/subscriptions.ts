import { TapedeckError } from '../core/error.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Ledger, Outbox } from '../core/ports/ledger.ts';
import type { Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { SubscriptionRecord } from '../core/records.ts';
import { shakeHands, type HandshakeContext } from './handshake.ts';
import {
  checkSubscriptionRequest,
  withDefaults,
  type SubscriptionRequest,
} from './subscription-request.ts';

export type SubscriptionsOptions = HandshakeContext & {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly ledger: Ledger;
  readonly outbox: Pick<Outbox, 'hasten'>;
  /** Those of the configuration file and of `--event-webhook`. */
  readonly configured: readonly SubscriptionRequest[];
  /** Address at which a GET arrives at `completeManualValidation`. */
  readonly validationUrl: (name: string, code: string) => string;
  /** A subscription became active: what waits for it can go. */
  readonly onActive: () => void;
};

/** So long somebody may take to open the validation URL, as with Event Grid. */
export const MANUAL_VALIDATION_MS: number = 5 * 60_000;

/** A configured receiver may start after us: tried again after this, doubled up to the last. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * Event subscriptions and their validation. Those of the configuration win over what the admin API
 * made, are validated again and again until the receiver agrees, and have their events kept
 * meanwhile; those of the admin API get events from their validation on.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #records = new Map<string, SubscriptionRecord>();
  /** Being made: not stored before the receiver was asked. */
  readonly #asked = new Map<string, SubscriptionRecord>();
  /** Changes of state follow each other: each decides by what the one before has stored. */
  readonly #changes = new SerialQueue();
  readonly #timers = new Map<string, Timer>();
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #byType = new Map<string, readonly SubscriptionRecord[]>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Loads and stores the subscriptions; validation goes on behind. Rejects with `database-failed`. */
  async start(): Promise<void> {
    const { ledger, configured } = this.#options;
    const stored = new Map((await ledger.subscriptions()).map((each) => [each.name, each]));
    const wanted = configured.map((request) => this.#configured(request, stored.get(request.name)));
    const names = new Set(wanted.map(({ name }) => name));
    const gone = [...stored.values()].filter(
      ({ name, origin }) => origin === 'configuration' && !names.has(name),
    );
    await ledger.commit([
      ...gone.map(({ name }) => ({ kind: 'subscription-removed', name }) as const),
      ...wanted.map((record) => ({ kind: 'subscription', record }) as const),
    ]);
    for (const { name } of gone) stored.delete(name);
    for (const record of [...stored.values(), ...wanted]) this.#keep(record);
    for (const record of this.#records.values()) this.#resume(record);
  }

  /** Who is to get an event of this full type, from memory. */
  matching(type: string): readonly SubscriptionRecord[] {
    let matching = this.#byType.get(type);
    if (matching === undefined) {
      matching = [...this.#records.values()].filter(
        ({ includedTypes, origin, state }) =>
          // Event types are compared without case, as the vendor's filters are.
          (includedTypes.length === 0 || includedTypes.some((each) => isSameType(each, type))) &&
          (state === 'active' || origin === 'configuration'),
      );
      this.#byType.set(type, matching);
    }
    return matching;
  }

  get(name: string): SubscriptionRecord | undefined {
    return this.#records.get(name);
  }

  list(): readonly SubscriptionRecord[] {
    return [...this.#records.values()];
  }

  /**
   * Makes a subscription and asks its receiver. Resolves with it `active` or `awaiting-manual`;
   * rejects with `argument-invalid`, or with the receiver's error, and it is not made then. One of
   * the same name made before is replaced.
   */
  async create(request: SubscriptionRequest): Promise<SubscriptionRecord> {
    checkSubscriptionRequest(request);
    if (this.#records.get(request.name)?.origin === 'configuration') {
      throw new TapedeckError(
        'argument-invalid',
        `${request.name} is a subscription of the configuration and is changed there`,
        { field: 'name' },
      );
    }
    const record = this.#fresh(request, 'admin');
    // The receiver may open the validation URL before it answers.
    this.#asked.set(record.name, record);
    try {
      const result = await this.#shakeHands(record);
      return await this.#change(record.name, (current) => {
        // Validated by hand meanwhile.
        if (current?.validationCode === record.validationCode) return current;
        if (result.state === 'failed') throw result.error;
        return { ...record, state: result.state };
      });
    } finally {
      if (this.#asked.get(record.name) === record) this.#asked.delete(record.name);
    }
  }

  /** `false`: there is none of this name. What waits for it is dead at its next turn. */
  async remove(name: string): Promise<boolean> {
    const record = this.#records.get(name);
    if (record === undefined) return false;
    if (record.origin === 'configuration') {
      throw new TapedeckError(
        'argument-invalid',
        `${name} is a subscription of the configuration and is removed there`,
        { field: 'name' },
      );
    }
    await this.#changes.run(async () => {
      await this.#options.ledger.commit([{ kind: 'subscription-removed', name }]);
      this.#cancelTimer(name);
      this.#records.delete(name);
      this.#byType = new Map();
    });
    return true;
  }

  /** Asks the receiver again, with a new code. `undefined`: there is none of this name. */
  async validate(name: string): Promise<SubscriptionRecord | undefined> {
    const record = this.#records.get(name);
    if (record === undefined) return undefined;
    return this.#validateAgain(record, FIRST_RETRY_MS);
  }

  /** Somebody opened the validation URL. `false`: wrong name or code, or too late. */
  async completeManualValidation(name: string, code: string): Promise<boolean> {
    const known = [this.#asked.get(name), this.#records.get(name)];
    if (!known.some((each) => each?.validationCode === code)) return false;
    const after = await this.#change(name, (current) => {
      const record = [current, this.#asked.get(name)].find((each) => each?.validationCode === code);
      if (record?.state !== 'pending' && record?.state !== 'awaiting-manual') return current;
      return { ...record, state: 'active' };
    });
    return after?.validationCode === code && after.state === 'active';
  }

  /** Ends handshakes under way. Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const name of [...this.#timers.keys()]) this.#cancelTimer(name);
    await Promise.allSettled(this.#underWay);
  }

  #configured(
    request: SubscriptionRequest,
    stored: SubscriptionRecord | undefined,
  ): SubscriptionRecord {
    const isSame = stored?.endpoint === request.endpoint && stored.schema === request.schema;
    const fresh = this.#fresh(request, 'configuration');
    if (stored === undefined || !isSame) return fresh;
    const { createdAtMs, validationCode } = stored;
    // The receiver has agreed already; it is not asked at every start.
    return stored.state === 'active'
      ? { ...fresh, state: 'active', createdAtMs, validationCode }
      : { ...fresh, createdAtMs };
  }

  #fresh(request: SubscriptionRequest, origin: SubscriptionRecord['origin']): SubscriptionRecord {
    return {
      ...withDefaults(request),
      state: 'pending',
      origin,
      validationCode: this.#options.random.uuid(),
      createdAtMs: this.#options.clock.nowMs(),
    };
  }

  /** What a start has to go on with. */
  #resume(record: SubscriptionRecord): void {
    if (record.state === 'active' || record.state === 'failed') return;
    if (record.origin === 'configuration') this.#insist(record.name, FIRST_RETRY_MS);
    else this.#awaitManual(record);
  }

  /** Asks until the receiver agrees. */
  #insist(name: string, retryMs: number): void {
    const record = this.#records.get(name);
    if (record === undefined || record.state === 'active' || this.#abort.signal.aborted) return;
    this.#track(
      this.#validateAgain(record, retryMs).catch((error: unknown) => {
        this.#insistAfter(name, retryMs);
        throw error;
      }),
    );
  }

  #insistAfter(name: string, delayMs: number): void {
    this.#setTimer(name, delayMs, () => {
      this.#insist(name, Math.min(delayMs * 2, LAST_RETRY_MS));
    });
  }

  async #validateAgain(
    record: SubscriptionRecord,
    retryMs: number,
  ): Promise<SubscriptionRecord | undefined> {
    const { log, random, validationUrl } = this.#options;
    const asked = { ...record, validationCode: random.uuid() };
    // The receiver may open the URL before it answers: the code must be known by then.
    this.#keep(asked);
    const result = await this.#shakeHands(asked);
    const after = await this.#change(record.name, (current) => {
      // Removed, replaced, or validated by hand meanwhile.
      if (current?.validationCode !== asked.validationCode) return current;
      if (current.state === 'active' && record.state !== 'active') return current;
      if (result.state !== 'failed') return { ...current, state: result.state };
      return { ...current, state: current.origin === 'configuration' ? 'pending' : 'failed' };
    });
    const { name, endpoint } = record;
    if (after?.state === 'awaiting-manual') {
      const url = validationUrl(name, after.validationCode);
      log.warn({ name, endpoint, url }, 'event receiver did not answer; open the URL to validate');
    }
    if (result.state === 'failed') {
      log.warn({ name, endpoint, error: result.error.message }, 'event receiver not validated');
      if (after?.state === 'pending') this.#insistAfter(name, retryMs);
    }
    return after;
  }

  #shakeHands(subscription: SubscriptionRecord): ReturnType<typeof shakeHands> {
    const { clock, random, validationUrl } = this.#options;
    return shakeHands(
      this.#options,
      {
        subscription,
        validationUrl: validationUrl(subscription.name, subscription.validationCode),
        eventId: random.uuid(),
        nowMs: clock.nowMs(),
      },
      this.#abort.signal,
    );
  }

  /** Stores what `decide` makes of the record as it stands; the same or none changes nothing. */
  #change<T extends SubscriptionRecord | undefined>(
    name: string,
    decide: (current: SubscriptionRecord | undefined) => T,
  ): Promise<T> {
    return this.#changes.run(async () => {
      const current = this.#records.get(name);
      const next = decide(current);
      if (next === undefined || next === current) return next;
      const { clock, ledger, log, onActive, outbox } = this.#options;
      await ledger.commit([{ kind: 'subscription', record: next }]);
      this.#cancelTimer(name);
      this.#keep(next);
      if (next.state === 'awaiting-manual') this.#awaitManual(next);
      if (next.state === 'active') {
        log.info({ name, endpoint: next.endpoint }, 'event receiver validated');
        await outbox.hasten(name, clock.nowMs());
        onActive();
      }
      return next;
    });
  }

  #keep(record: SubscriptionRecord): void {
    this.#records.set(record.name, record);
    this.#byType = new Map();
  }

  /** The window closes: those of the configuration are asked anew, others have failed. */
  #awaitManual({ name, validationCode }: SubscriptionRecord): void {
    this.#setTimer(name, MANUAL_VALIDATION_MS, () => {
      if (this.#records.get(name)?.origin === 'configuration') {
        this.#insist(name, FIRST_RETRY_MS);
        return;
      }
      this.#track(
        this.#change(name, (current) =>
          current?.state === 'awaiting-manual' && current.validationCode === validationCode
            ? { ...current, state: 'failed' }
            : current,
        ),
      );
    });
  }

  #setTimer(name: string, delayMs: number, fire: () => void): void {
    this.#cancelTimer(name);
    if (this.#abort.signal.aborted) return;
    this.#timers.set(name, this.#options.clock.setTimer(delayMs, fire));
  }

  #cancelTimer(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.#options.log.error({ error }, 'the state of a subscription was not stored');
      })
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

function isSameType(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
