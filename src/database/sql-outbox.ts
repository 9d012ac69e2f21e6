import { sql, type SelectQueryBuilder } from 'kysely';
import type { DeliveryOutcome, DueDelivery, Outbox } from '../core/ports/ledger.ts';
import type { Random } from '../core/ports/random.ts';
import type { AttemptRecord, DeliveryRecord, EventRecord } from '../core/records.ts';
import { decodeInteger, decodeRow, encodeRow, fieldsOf, type Columns } from './row-codec.ts';
import { statement, type SqlBuilder } from './sql-builder.ts';
import type { SqlExecutor, SqlResult, SqlStatement } from './sql-executor.ts';
import { attemptColumns, deliveryColumns, eventColumns, type Tables } from './tables.ts';

/** Events removed in one batch by `forgetBefore`, so that facts need not wait for all of them. */
const FORGET_ROWS = 500;

/**
 * The outbox on any engine that speaks the SQL of `builder`. A lease is a delivery whose next
 * attempt was moved to the lease's end: if whoever holds it dies, it is simply due again.
 */
export class SqlOutbox implements Outbox {
  readonly #executor: SqlExecutor;
  readonly #builder: SqlBuilder;
  readonly #random: Random;
  readonly #insertAttempt: string;

  constructor(executor: SqlExecutor, builder: SqlBuilder, random: Random) {
    this.#executor = executor;
    this.#builder = builder;
    this.#random = random;
    const fields = fieldsOf(attemptColumns);
    this.#insertAttempt = sql`insert into attempts (${sql.join(fields.map((f) => sql.ref(f)))})
      values (${sql.join(fields.map(() => null))})`.compile(builder).sql;
  }

  async claimDue(nowMs: number, limit: number, leaseMs: number): Promise<readonly DueDelivery[]> {
    const claimId = this.#random.uuid();
    const claim = this.#builder
      .updateTable('deliveries')
      .set({ nextAttemptAtMs: Math.round(nowMs + leaseMs), claimId })
      .where(
        'sequence',
        'in',
        this.#firstOfTheirOrder()
          .select('candidate.sequence')
          .where('candidate.nextAttemptAtMs', '<=', Math.floor(nowMs))
          .orderBy('candidate.nextAttemptAtMs')
          .orderBy('candidate.sequence')
          .limit(limit),
      )
      .returningAll();
    const events = this.#builder
      .selectFrom('events')
      .selectAll()
      .where(
        'eventId',
        'in',
        this.#builder.selectFrom('deliveries').select('eventId').where('claimId', '=', claimId),
      );
    const [claimed, known] = await this.#executor.execute({
      intent: 'bookkeeping',
      statements: [statement(claim), statement(events)],
    });
    const eventOf = new Map(rowsOf(known, eventColumns).map((event) => [event.eventId, event]));
    return inSequence(claimed).flatMap((delivery) => {
      const event = eventOf.get(delivery.eventId);
      return event === undefined ? [] : [{ delivery, event }];
    });
  }

  async settle(attempt: AttemptRecord, outcome: DeliveryOutcome): Promise<void> {
    await this.#executor.execute({
      intent: 'bookkeeping',
      statements: [
        { sql: this.#insertAttempt, parameters: encodeRow(attemptColumns, attempt) },
        ...this.#ended(
          attempt.deliveryId,
          outcome,
          Math.round(attempt.startedAtMs + attempt.durationMs),
          attempt.attempt,
        ),
      ],
    });
  }

  async settleUnattempted(
    deliveryId: string,
    outcome: DeliveryOutcome,
    nowMs: number,
  ): Promise<void> {
    await this.#executor.execute({
      intent: 'bookkeeping',
      statements: this.#ended(deliveryId, outcome, Math.round(nowMs)),
    });
  }

  async hasten(destination: string, nowMs: number): Promise<void> {
    const query = this.#builder
      .updateTable('deliveries')
      .set({ nextAttemptAtMs: Math.floor(nowMs) })
      .where('destination', '=', destination)
      .where('state', '=', 'waiting')
      .where('attempts', '=', 0)
      .where('claimId', 'is', null)
      .where('nextAttemptAtMs', '>', Math.floor(nowMs));
    await this.#executor.execute({ intent: 'bookkeeping', statements: [statement(query)] });
  }

  async releaseLeases(nowMs: number): Promise<void> {
    const query = this.#builder
      .updateTable('deliveries')
      .set({ nextAttemptAtMs: Math.floor(nowMs), claimId: null })
      .where('state', '=', 'waiting')
      .where('claimId', 'is not', null);
    await this.#executor.execute({ intent: 'bookkeeping', statements: [statement(query)] });
  }

  async nextDueAtMs(): Promise<number | undefined> {
    const query = this.#firstOfTheirOrder()
      .select('candidate.nextAttemptAtMs')
      .orderBy('candidate.nextAttemptAtMs')
      .limit(1);
    const [result] = await this.#read(statement(query));
    const value = result?.rows[0]?.['next_attempt_at_ms'];
    return value === undefined || value === null ? undefined : decodeInteger(value);
  }

  /**
   * A page ends at a whole millisecond: it may be a little longer than `limit`, so that
   * `beforeMs`, the time of the page's last event, skips none of the same moment.
   */
  async events(page: {
    readonly limit: number;
    readonly beforeMs?: number;
  }): ReturnType<Outbox['events']> {
    const before = page.beforeMs ?? Number.MAX_SAFE_INTEGER;
    const oldestOfPage = this.#builder
      .selectFrom(
        this.#builder
          .selectFrom('events')
          .select('occurredAtMs')
          .where('occurredAtMs', '<', before)
          .orderBy('occurredAtMs', 'desc')
          .limit(page.limit)
          .as('newest'),
      )
      .select(({ fn }) => fn.min('newest.occurredAtMs').as('oldest'));
    const ofPage = this.#builder
      .selectFrom('events')
      .where('occurredAtMs', '<', before)
      .where('occurredAtMs', '>=', oldestOfPage);
    const [events, deliveries] = await this.#read(
      statement(ofPage.selectAll().orderBy('occurredAtMs', 'desc').orderBy('eventId', 'desc')),
      statement(
        this.#builder
          .selectFrom('deliveries')
          .selectAll()
          .where('eventId', 'in', ofPage.select('eventId')),
      ),
    );
    const byEvent = Map.groupBy(inSequence(deliveries), ({ eventId }) => eventId);
    return rowsOf(events, eventColumns).map((event) => ({
      event,
      deliveries: byEvent.get(event.eventId) ?? [],
    }));
  }

  async event(eventId: string): ReturnType<Outbox['event']> {
    const deliveriesOfEvent = this.#builder.selectFrom('deliveries').where('eventId', '=', eventId);
    const [events, deliveries, attempts] = await this.#read(
      statement(this.#builder.selectFrom('events').selectAll().where('eventId', '=', eventId)),
      statement(deliveriesOfEvent.selectAll()),
      statement(
        this.#builder
          .selectFrom('attempts')
          .selectAll()
          .where('deliveryId', 'in', deliveriesOfEvent.select('deliveryId'))
          .orderBy('sequence'),
      ),
    );
    const [event] = rowsOf<EventRecord>(events, eventColumns);
    if (event === undefined) return undefined;
    return {
      event,
      deliveries: inSequence(deliveries),
      attempts: rowsOf(attempts, attemptColumns),
    };
  }

  async redeliver(eventId: string, nowMs: number): Promise<number> {
    const now = Math.floor(nowMs);
    const query = this.#builder
      .updateTable('deliveries')
      .set({
        state: 'waiting',
        attempts: 0,
        nextAttemptAtMs: now,
        expiresAtMs: sql<number>`${now} + ${sql.ref('timeToLiveMs')}`,
        claimId: null,
        deadReason: null,
      })
      .where('eventId', '=', eventId);
    const [result] = await this.#executor.execute({
      intent: 'facts',
      statements: [statement(query)],
    });
    return result?.changes ?? 0;
  }

  async forgetBefore(occurredAtMs: number): Promise<void> {
    const query = statement(
      this.#builder.deleteFrom('events').where(
        'eventId',
        'in',
        this.#builder
          .selectFrom('events as old')
          .select('old.eventId')
          .where('old.occurredAtMs', '<', Math.floor(occurredAtMs))
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('deliveries')
                  .select('deliveries.sequence')
                  .whereRef('deliveries.eventId', '=', 'old.eventId')
                  .where('deliveries.state', '=', 'waiting'),
              ),
            ),
          )
          .limit(FORGET_ROWS),
      ),
    );
    let removed: number;
    do {
      const [result] = await this.#executor.execute({
        intent: 'bookkeeping',
        statements: [query],
      });
      removed = result?.changes ?? 0;
    } while (removed === FORGET_ROWS);
  }

  /** Waiting deliveries that no earlier one of their order key is in front of. */
  #firstOfTheirOrder(): SelectQueryBuilder<
    Tables & { candidate: Tables['deliveries'] },
    'candidate',
    object
  > {
    return this.#builder
      .selectFrom('deliveries as candidate')
      .where('candidate.state', '=', 'waiting')
      .where((eb) =>
        eb.or([
          eb('candidate.orderKey', 'is', null),
          eb.not(
            eb.exists(
              eb
                .selectFrom('deliveries as earlier')
                .select('earlier.sequence')
                .whereRef('earlier.orderKey', '=', 'candidate.orderKey')
                .where('earlier.state', '=', 'waiting')
                .whereRef('earlier.sequence', '<', 'candidate.sequence'),
            ),
          ),
        ]),
      );
  }

  /** The statements that end a lease. `attempts` stays as it is unless it is given. */
  #ended(
    deliveryId: string,
    outcome: DeliveryOutcome,
    nowMs: number,
    attempts?: number,
  ): readonly SqlStatement[] {
    const untilMs = outcome.state === 'waiting' ? Math.round(outcome.nextAttemptAtMs) : undefined;
    const settled = this.#builder
      .updateTable('deliveries')
      .set({
        state: outcome.state,
        claimId: null,
        deadReason: outcome.state === 'dead' ? outcome.reason : null,
        ...(attempts === undefined ? {} : { attempts }),
        ...(untilMs === undefined ? {} : { nextAttemptAtMs: untilMs }),
      })
      .where('deliveryId', '=', deliveryId)
      // One that was delivered after its lease had expired stays delivered.
      .where('state', '=', 'waiting');
    return [
      statement(settled),
      untilMs === undefined
        ? this.#releaseFollower(deliveryId, nowMs)
        : this.#postponeFollowers(deliveryId, untilMs),
    ];
  }

  // What waits behind a failed delivery cannot go before it: moving it on keeps it out of every
  // claim until then. This only saves work; `#firstOfTheirOrder` is what keeps the order.
  #postponeFollowers(deliveryId: string, untilMs: number): SqlStatement {
    const self = this.#builder
      .selectFrom('deliveries as self')
      .where('deliveryId', '=', deliveryId);
    return statement(
      this.#builder
        .updateTable('deliveries')
        .set({ nextAttemptAtMs: untilMs })
        .where('orderKey', '=', self.select('self.orderKey'))
        .where('state', '=', 'waiting')
        .where('sequence', '>', self.select('self.sequence'))
        .where('nextAttemptAtMs', '<', untilMs)
        .where('claimId', 'is', null),
    );
  }

  #releaseFollower(deliveryId: string, nowMs: number): SqlStatement {
    const orderKey = this.#builder
      .selectFrom('deliveries as self')
      .select('self.orderKey')
      .where('self.deliveryId', '=', deliveryId);
    const first = this.#builder
      .selectFrom('deliveries as follower')
      .select(({ fn }) => fn.min('follower.sequence').as('sequence'))
      .where('follower.orderKey', '=', orderKey)
      .where('follower.state', '=', 'waiting');
    return statement(
      this.#builder
        .updateTable('deliveries')
        .set({ nextAttemptAtMs: nowMs })
        .where('sequence', '=', first)
        // One that was tried before has its own time.
        .where('attempts', '=', 0)
        .where('nextAttemptAtMs', '>', nowMs)
        .where('claimId', 'is', null),
    );
  }

  #read(...statements: readonly SqlStatement[]): Promise<readonly SqlResult[]> {
    return this.#executor.execute({ intent: 'read', statements });
  }
}

function rowsOf<T>(result: SqlResult | undefined, columns: Columns<T>): readonly T[] {
  return (result?.rows ?? []).map((row) => decodeRow(columns, row));
}

/** Deliveries in order of commit, whatever order the engine returned. */
function inSequence(result: SqlResult | undefined): readonly DeliveryRecord[] {
  return [...(result?.rows ?? [])]
    .sort((a, b) => decodeInteger(a['sequence']) - decodeInteger(b['sequence']))
    .map((row) => decodeRow(deliveryColumns, row));
}
