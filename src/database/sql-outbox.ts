import { sql } from 'kysely';
import type { DeliveryOutcome, DueDelivery, Outbox } from '../core/ports/ledger.ts';
import type { Random } from '../core/ports/random.ts';
import type { AttemptRecord, DeliveryRecord, EventRecord } from '../core/records.ts';
import { outboxStatements, type OutboxStatements } from './outbox-statements.ts';
import { decodeInteger, decodeRow, type Columns } from './row-codec.ts';
import { statement, type SqlBuilder } from './sql-builder.ts';
import type { SqlExecutor, SqlResult, SqlStatement } from '../core/ports/sql-engine.ts';
import { attemptColumns, deliveryColumns, eventColumns } from './tables.ts';

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
  readonly #statements: OutboxStatements;

  constructor(executor: SqlExecutor, builder: SqlBuilder, random: Random) {
    this.#executor = executor;
    this.#builder = builder;
    this.#random = random;
    this.#statements = outboxStatements(builder);
  }

  async claimDue(nowMs: number, limit: number, leaseMs: number): Promise<readonly DueDelivery[]> {
    const claimId = this.#random.uuid();
    const [claimed, known] = await this.#executor.execute({
      intent: 'bookkeeping',
      statements: [
        this.#statements.claim({
          nowMs: Math.floor(nowMs),
          leaseEndMs: Math.round(nowMs + leaseMs),
          claimId,
          limit,
        }),
        this.#statements.eventsOfClaim({ claimId }),
      ],
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
        this.#statements.attempt(attempt),
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
    const [result] = await this.#read(this.#statements.nextDue({}));
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

  /** The statements that end a lease. `attempts` stays as it is unless it is given. */
  #ended(
    deliveryId: string,
    outcome: DeliveryOutcome,
    nowMs: number,
    attempts?: number,
  ): readonly SqlStatement[] {
    const untilMs = outcome.state === 'waiting' ? Math.round(outcome.nextAttemptAtMs) : undefined;
    return [
      this.#statements.settled({
        deliveryId,
        state: outcome.state,
        attempts: attempts ?? null,
        nextAttemptAtMs: untilMs ?? null,
        deadReason: outcome.state === 'dead' ? outcome.reason : null,
      }),
      untilMs === undefined
        ? this.#statements.releaseFollower({ deliveryId, nowMs })
        : this.#statements.postponeFollowers({ deliveryId, untilMs }),
    ];
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
