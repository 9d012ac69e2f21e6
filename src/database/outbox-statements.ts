import { sql, type SelectQueryBuilder } from 'kysely';
import type { AttemptRecord } from '../core/records.ts';
import { encodeRow, fieldsOf } from './row-codec.ts';
import { template, type SqlBuilder } from './sql-builder.ts';
import type { SqlStatement } from '../core/ports/sql-engine.ts';
import { attemptColumns, type Tables } from './tables.ts';

/** What every event runs through, compiled once. Times are whole milliseconds. */
export type OutboxStatements = {
  /** Moves the next attempt of due deliveries to the lease's end; returns their rows, in any order. */
  readonly claim: (args: {
    readonly nowMs: number;
    readonly leaseEndMs: number;
    readonly claimId: string;
    readonly limit: number;
  }) => SqlStatement;
  readonly eventsOfClaim: (args: { readonly claimId: string }) => SqlStatement;
  readonly nextDue: (args: Readonly<Record<string, never>>) => SqlStatement;
  readonly attempt: (record: AttemptRecord) => SqlStatement;
  /** Ends a lease. What is `null` stays as it is, but for the reason. */
  readonly settled: (args: {
    readonly deliveryId: string;
    readonly state: 'waiting' | 'delivered' | 'dead';
    readonly attempts: number | null;
    readonly nextAttemptAtMs: number | null;
    readonly deadReason: string | null;
  }) => SqlStatement;
  /**
   * What waits behind a failed delivery cannot go before it: moving it on keeps it out of every
   * claim until then. This only saves work; the claim is what keeps the order.
   */
  readonly postponeFollowers: (args: {
    readonly deliveryId: string;
    readonly untilMs: number;
  }) => SqlStatement;
  /** The next of the same order key may go now. */
  readonly releaseFollower: (args: {
    readonly deliveryId: string;
    readonly nowMs: number;
  }) => SqlStatement;
};

export function outboxStatements(builder: SqlBuilder): OutboxStatements {
  return {
    claim: template((parameter) =>
      builder
        .updateTable('deliveries')
        .set({ nextAttemptAtMs: parameter('leaseEndMs'), claimId: parameter('claimId') })
        .where(
          'sequence',
          'in',
          firstOfTheirOrder(builder)
            .select('candidate.sequence')
            .where('candidate.nextAttemptAtMs', '<=', parameter('nowMs'))
            .orderBy('candidate.nextAttemptAtMs')
            .orderBy('candidate.sequence')
            .limit(parameter('limit')),
        )
        .returningAll(),
    ),
    eventsOfClaim: template((parameter) =>
      builder
        .selectFrom('events')
        .selectAll()
        .where(
          'eventId',
          'in',
          builder
            .selectFrom('deliveries')
            .select('eventId')
            .where('claimId', '=', parameter('claimId')),
        ),
    ),
    nextDue: template(() =>
      firstOfTheirOrder(builder)
        .select('candidate.nextAttemptAtMs')
        .orderBy('candidate.nextAttemptAtMs')
        .limit(1),
    ),
    attempt: attemptOf(builder),
    settled: template((parameter) =>
      builder
        .updateTable('deliveries')
        .set({
          state: parameter('state'),
          attempts: orAsItIs(parameter('attempts'), 'attempts'),
          nextAttemptAtMs: orAsItIs(parameter('nextAttemptAtMs'), 'nextAttemptAtMs'),
          deadReason: parameter('deadReason'),
          claimId: null,
        })
        .where('deliveryId', '=', parameter('deliveryId'))
        // One that was delivered after its lease had expired stays delivered.
        .where('state', '=', 'waiting'),
    ),
    postponeFollowers: template((parameter) => {
      const self = builder
        .selectFrom('deliveries as self')
        .where('self.deliveryId', '=', parameter('deliveryId'));
      return builder
        .updateTable('deliveries')
        .set({ nextAttemptAtMs: parameter('untilMs') })
        .where('orderKey', '=', self.select('self.orderKey'))
        .where('state', '=', 'waiting')
        .where('sequence', '>', self.select('self.sequence'))
        .where('nextAttemptAtMs', '<', parameter('untilMs'))
        .where('claimId', 'is', null);
    }),
    releaseFollower: template((parameter) => {
      const orderKey = builder
        .selectFrom('deliveries as self')
        .select('self.orderKey')
        .where('self.deliveryId', '=', parameter('deliveryId'));
      const first = builder
        .selectFrom('deliveries as follower')
        .select(({ fn }) => fn.min('follower.sequence').as('sequence'))
        .where('follower.orderKey', '=', orderKey)
        .where('follower.state', '=', 'waiting');
      return (
        builder
          .updateTable('deliveries')
          .set({ nextAttemptAtMs: parameter('nowMs') })
          .where('sequence', '=', first)
          // One that was tried before has its own time.
          .where('attempts', '=', 0)
          .where('nextAttemptAtMs', '>', parameter('nowMs'))
          .where('claimId', 'is', null)
      );
    }),
  };
}

/** Waiting deliveries that no earlier one of their order key is in front of. */
function firstOfTheirOrder(
  builder: SqlBuilder,
): SelectQueryBuilder<Tables & { candidate: Tables['deliveries'] }, 'candidate', object> {
  return builder
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

function orAsItIs(
  value: number | null,
  column: keyof Tables['deliveries'],
): ReturnType<typeof sql<number>> {
  return sql<number>`coalesce(${value}, ${sql.ref(column)})`;
}

function attemptOf(builder: SqlBuilder): (record: AttemptRecord) => SqlStatement {
  const fields = fieldsOf(attemptColumns);
  const text = sql`insert into attempts (${sql.join(fields.map((field) => sql.ref(field)))})
    values (${sql.join(fields.map(() => null))})`.compile(builder).sql;
  return (record) => ({ sql: text, parameters: encodeRow(attemptColumns, record) });
}
