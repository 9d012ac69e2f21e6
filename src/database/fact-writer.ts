import { assertNever } from '../core/result.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { DeliveryRecord } from '../core/records.ts';
import { insertOf, statement, template, type SqlBuilder } from './sql-builder.ts';
import type { SqlStatement } from '../core/ports/sql-engine.ts';
import {
  auditColumns,
  callColumns,
  chunkColumns,
  connectionColumns,
  deliveryColumns,
  eventColumns,
  exportColumns,
  legColumns,
  operationColumns,
  recordingColumns,
  repeatabilityColumns,
  responseColumns,
  subscriptionColumns,
} from './tables.ts';
import type { Columns } from './row-codec.ts';

type NewDelivery = DeliveryRecord & { readonly timeToLiveMs: number };

const newDeliveryColumns: Columns<NewDelivery> = { ...deliveryColumns, timeToLiveMs: 'integer' };

/**
 * The statements that make a fact true. Committing a fact again changes nothing: records replace
 * themselves, and events with their deliveries are kept as they are, since they may have been
 * delivered meanwhile.
 */
export function factWriter(builder: SqlBuilder): (fact: Fact) => readonly SqlStatement[] {
  const replace = { onConflict: 'replace' } as const;
  const keep = { onConflict: 'keep' } as const;
  const call = insertOf(builder, {
    table: 'calls',
    columns: callColumns,
    key: 'serverCallId',
    ...replace,
  });
  const connection = insertOf(builder, {
    table: 'connections',
    columns: connectionColumns,
    key: 'callConnectionId',
    ...replace,
  });
  const leg = insertOf(builder, { table: 'legs', columns: legColumns, key: 'legId', ...replace });
  const recording = insertOf(builder, {
    table: 'recordings',
    columns: recordingColumns,
    key: 'recordingId',
    ...replace,
  });
  const chunk = insertOf(builder, {
    table: 'chunks',
    columns: chunkColumns,
    key: 'documentId',
    ...replace,
  });
  const exported = insertOf(builder, {
    table: 'exports',
    columns: exportColumns,
    key: 'documentId',
    ...replace,
  });
  const audit = insertOf(builder, {
    table: 'audit',
    columns: auditColumns,
    key: 'auditId',
    ...keep,
  });
  const event = insertOf(builder, {
    table: 'events',
    columns: eventColumns,
    key: 'eventId',
    ...keep,
  });
  const delivery = insertOf(builder, {
    table: 'deliveries',
    columns: newDeliveryColumns,
    key: 'deliveryId',
    ...keep,
  });
  const subscription = insertOf(builder, {
    table: 'subscriptions',
    columns: subscriptionColumns,
    key: 'name',
    ...replace,
  });
  const repeatability = insertOf(builder, {
    table: 'repeatability',
    columns: repeatabilityColumns,
    key: 'key',
    ...replace,
  });

  const operation = insertOf(builder, {
    table: 'operations',
    columns: operationColumns,
    key: 'operationId',
    ...replace,
  });
  const endOfOperation = template<{ operationId: string }>((parameter) =>
    builder.deleteFrom('operations').where('operationId', '=', parameter('operationId')),
  );
  const response = insertOf(builder, {
    table: 'responses',
    columns: responseColumns,
    key: 'operationId',
    ...replace,
  });

  return (fact) => {
    switch (fact.kind) {
      case 'call':
        return [call(fact.record)];
      case 'connection':
        return [connection(fact.record)];
      case 'leg':
        return [leg(fact.record)];
      case 'recording':
        return [recording(fact.record)];
      case 'chunk':
        return [chunk(fact.record)];
      case 'export':
        return [exported(fact.record)];
      case 'audit':
        return [audit(fact.record)];
      case 'event':
        return [
          event(fact.event),
          ...fact.deliveries.map((record) =>
            delivery({
              ...record,
              timeToLiveMs: Math.max(0, record.expiresAtMs - record.nextAttemptAtMs),
            }),
          ),
        ];
      case 'subscription':
        return [subscription(fact.record)];
      case 'subscription-removed':
        return [statement(builder.deleteFrom('subscriptions').where('name', '=', fact.name))];
      case 'repeatability':
        return [repeatability(fact.record)];
      case 'operation-accepted':
        return [operation(fact.record)];
      case 'operation-ended':
        return [endOfOperation({ operationId: fact.operationId })];
      case 'response':
        return [response(fact.record)];
      case 'response-removed':
        return [
          statement(builder.deleteFrom('responses').where('operationId', '=', fact.operationId)),
        ];
      default:
        return assertNever(fact);
    }
  };
}
