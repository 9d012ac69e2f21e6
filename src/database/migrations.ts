import { sql, type Compilable } from 'kysely';
import type { SqlBuilder } from './sql-builder.ts';

export type Migration = {
  /** From 1, without gaps. A published migration is never edited; a new one is added. */
  readonly version: number;
  readonly name: string;
  readonly statements: (builder: SqlBuilder) => readonly Compilable[];
};

/** What recordings of version 1 were: there was nothing else. */
const FIRST_PLAN =
  '{"format":{"container":"wav","channels":"mixed"},' +
  '"channels":{"limit":5,"pinned":[],"overflow":"leave-out"},' +
  '"chunks":{"durationMs":14400000,"sizeBytes":4194304000}}';

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'calls, recordings, events',
    statements: ({ schema }) => [
      schema
        .createTable('calls')
        .addColumn('serverCallId', 'text', (c) => c.primaryKey())
        .addColumn('correlationId', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('startedBy', 'text', (c) => c.notNull())
        .addColumn('createdAtMs', 'bigint', (c) => c.notNull())
        .addColumn('connectedAtMs', 'bigint')
        .addColumn('endedAtMs', 'bigint')
        .addColumn('incomingCallContext', 'text'),
      schema.createIndex('callsByState').on('calls').columns(['state', 'serverCallId']),
      schema
        .createTable('connections')
        .addColumn('callConnectionId', 'text', (c) => c.primaryKey())
        .addColumn('serverCallId', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('callbackUri', 'text', (c) => c.notNull())
        .addColumn('operationContext', 'text')
        .addColumn('apiVersion', 'text', (c) => c.notNull())
        .addColumn('targets', 'text', (c) => c.notNull())
        .addColumn('source', 'text')
        .addColumn('sourceCallerIdNumber', 'text')
        .addColumn('sourceDisplayName', 'text')
        .addColumn('answeredBy', 'text')
        .addColumn('createdAtMs', 'bigint', (c) => c.notNull()),
      schema
        .createIndex('connectionsByState')
        .on('connections')
        .columns(['state', 'callConnectionId']),
      schema
        .createTable('legs')
        .addColumn('legId', 'text', (c) => c.primaryKey())
        .addColumn('serverCallId', 'text', (c) => c.notNull())
        .addColumn('participantId', 'text', (c) => c.notNull())
        .addColumn('dialog', 'text')
        .addColumn('state', 'text', (c) => c.notNull()),
      schema.createIndex('legsByState').on('legs').columns(['state', 'legId']),
      schema
        .createTable('recordings')
        .addColumn('recordingId', 'text', (c) => c.primaryKey())
        .addColumn('serverCallId', 'text', (c) => c.notNull())
        .addColumn('callConnectionId', 'text')
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('origin', 'text', (c) => c.notNull())
        .addColumn('apiVersion', 'text', (c) => c.notNull())
        .addColumn('stateCallbackUri', 'text')
        .addColumn('journalDirectory', 'text', (c) => c.notNull())
        .addColumn('documentId', 'text', (c) => c.notNull())
        .addColumn('startedAtMs', 'bigint', (c) => c.notNull())
        .addColumn('endedAtMs', 'bigint')
        .addColumn('endReason', 'text')
        .addColumn('retentionMs', 'bigint'),
      schema.createIndex('recordingsByState').on('recordings').columns(['state', 'recordingId']),
      schema.createIndex('recordingsByStart').on('recordings').columns(['startedAtMs']),
      schema
        .createTable('chunks')
        .addColumn('documentId', 'text', (c) => c.primaryKey())
        .addColumn('recordingId', 'text', (c) => c.notNull())
        .addColumn('index', 'integer', (c) => c.notNull())
        .addColumn('blobKey', 'text', (c) => c.notNull())
        .addColumn('sizeBytes', 'bigint', (c) => c.notNull())
        .addColumn('durationMs', 'bigint', (c) => c.notNull())
        .addColumn('sha256', 'text', (c) => c.notNull())
        .addColumn('endReason', 'text', (c) => c.notNull())
        .addColumn('metadata', 'text', (c) => c.notNull())
        .addColumn('createdAtMs', 'bigint', (c) => c.notNull())
        .addColumn('expiresAtMs', 'bigint')
        .addColumn('deletedAtMs', 'bigint'),
      schema.createIndex('chunksByRecording').on('chunks').columns(['recordingId', 'index']),
      schema
        .createIndex('chunksByExpiry')
        .on('chunks')
        .columns(['expiresAtMs'])
        .where(sql.ref('deletedAtMs'), 'is', null),
      schema
        .createTable('events')
        .addColumn('eventId', 'text', (c) => c.primaryKey())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('occurredAtMs', 'bigint', (c) => c.notNull())
        .addColumn('data', 'text', (c) => c.notNull()),
      schema.createIndex('eventsByTime').on('events').columns(['occurredAtMs']),
      schema
        .createTable('deliveries')
        .addColumn('sequence', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('deliveryId', 'text', (c) => c.notNull().unique())
        .addColumn('eventId', 'text', (c) =>
          c.notNull().references('events.eventId').onDelete('cascade'),
        )
        .addColumn('destination', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('orderKey', 'text')
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('nextAttemptAtMs', 'bigint', (c) => c.notNull())
        .addColumn('expiresAtMs', 'bigint', (c) => c.notNull())
        .addColumn('maxAttempts', 'integer', (c) => c.notNull())
        .addColumn('timeToLiveMs', 'bigint', (c) => c.notNull())
        .addColumn('claimId', 'text')
        .addColumn('deadReason', 'text'),
      schema
        .createIndex('deliveriesDue')
        .on('deliveries')
        .columns(['state', 'nextAttemptAtMs', 'sequence']),
      schema
        .createIndex('deliveriesInOrder')
        .on('deliveries')
        .columns(['orderKey', 'state', 'sequence']),
      schema.createIndex('deliveriesByEvent').on('deliveries').columns(['eventId']),
      schema
        .createIndex('deliveriesByClaim')
        .on('deliveries')
        .columns(['claimId'])
        .where(sql.ref('claimId'), 'is not', null),
      schema
        .createTable('attempts')
        .addColumn('sequence', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('deliveryId', 'text', (c) =>
          c.notNull().references('deliveries.deliveryId').onDelete('cascade'),
        )
        .addColumn('attempt', 'integer', (c) => c.notNull())
        .addColumn('startedAtMs', 'bigint', (c) => c.notNull())
        .addColumn('durationMs', 'bigint', (c) => c.notNull())
        .addColumn('httpStatus', 'integer')
        .addColumn('error', 'text'),
      schema.createIndex('attemptsByDelivery').on('attempts').columns(['deliveryId', 'sequence']),
      schema
        .createTable('subscriptions')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('endpoint', 'text', (c) => c.notNull())
        .addColumn('schema', 'text', (c) => c.notNull())
        .addColumn('includedTypes', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('maxAttempts', 'integer', (c) => c.notNull())
        .addColumn('timeToLiveMinutes', 'integer', (c) => c.notNull())
        .addColumn('headers', 'text', (c) => c.notNull())
        .addColumn('origin', 'text', (c) => c.notNull())
        .addColumn('validationCode', 'text', (c) => c.notNull())
        .addColumn('createdAtMs', 'bigint', (c) => c.notNull()),
      schema
        .createTable('repeatability')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('status', 'integer', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .addColumn('storedAtMs', 'bigint', (c) => c.notNull()),
      schema.createIndex('repeatabilityByTime').on('repeatability').columns(['storedAtMs']),
    ],
  },
  {
    version: 2,
    name: 'what is made of a recording',
    statements: ({ schema }) => [
      schema
        .alterTable('recordings')
        .addColumn('plan', 'text', (c) => c.notNull().defaultTo(FIRST_PLAN)),
      schema.alterTable('recordings').addColumn('exportTo', 'text'),
      schema
        .alterTable('recordings')
        .addColumn('startedByConnection', 'integer', (c) => c.notNull().defaultTo(0)),
      schema
        .alterTable('chunks')
        .addColumn('purpose', 'text', (c) => c.notNull().defaultTo('session')),
      schema
        .alterTable('chunks')
        .addColumn('format', 'text', (c) =>
          c.notNull().defaultTo('{"container":"wav","channels":"mixed"}'),
        ),
      schema.alterTable('chunks').addColumn('channels', 'integer', (c) => c.notNull().defaultTo(1)),
      schema.alterTable('chunks').addColumn('peaksKey', 'text', (c) => c.notNull().defaultTo('')),
    ],
  },
  {
    version: 3,
    name: 'exports, audit, what is removed',
    statements: (builder) => [
      ...removals(builder),
      builder.schema
        .createTable('exports')
        .addColumn('documentId', 'text', (c) => c.primaryKey())
        .addColumn('recordingId', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('nextAttemptAtMs', 'bigint', (c) => c.notNull())
        .addColumn('expiresAtMs', 'bigint', (c) => c.notNull())
        .addColumn('error', 'text'),
      builder.schema.createIndex('exportsByRecording').on('exports').columns(['recordingId']),
      builder.schema
        .createIndex('exportsWaiting')
        .on('exports')
        .columns(['documentId'])
        .where(sql.ref('state'), '=', sql.lit('waiting')),
      builder.schema
        .createTable('audit')
        .addColumn('auditId', 'text', (c) => c.primaryKey())
        .addColumn('atMs', 'bigint', (c) => c.notNull())
        .addColumn('action', 'text', (c) => c.notNull())
        .addColumn('recordingId', 'text', (c) => c.notNull())
        .addColumn('documentId', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull()),
      builder.schema.createIndex('auditByTime').on('audit').columns(['atMs']),
    ],
  },
  {
    version: 4,
    name: 'calls of groups',
    statements: ({ schema }) => [schema.alterTable('calls').addColumn('groupCallId', 'text')],
  },
  {
    version: 5,
    name: 'operations under way',
    statements: ({ schema }) => [
      schema
        .createTable('operations')
        .addColumn('sequence', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('operationId', 'text', (c) => c.notNull().unique())
        .addColumn('callConnectionId', 'text', (c) => c.notNull())
        .addColumn('serverCallId', 'text', (c) => c.notNull())
        .addColumn('endings', 'text', (c) => c.notNull()),
    ],
  },
  {
    version: 6,
    name: 'calls of bots',
    statements: ({ schema }) => [schema.alterTable('connections').addColumn('bot', 'text')],
  },
  {
    version: 7,
    name: 'responses',
    statements: ({ schema }) => [
      schema
        .createTable('responses')
        .addColumn('operationId', 'text', (c) => c.primaryKey())
        .addColumn('callConnectionId', 'text', (c) => c.notNull())
        .addColumn('serverCallId', 'text', (c) => c.notNull())
        .addColumn('operationContext', 'text')
        .addColumn('documentId', 'text', (c) => c.notNull().unique())
        .addColumn('recordingId', 'text', (c) => c.notNull())
        .addColumn('container', 'text', (c) => c.notNull())
        .addColumn('isKept', 'integer', (c) => c.notNull())
        .addColumn('acceptedAtMs', 'bigint', (c) => c.notNull())
        .addColumn('completion', 'text')
        .addColumn('removedAtMs', 'bigint'),
      schema.createIndex('responsesByCall').on('responses').columns(['serverCallId']),
    ],
  },
];

/**
 * Columns that say what is gone. What an earlier version deleted is: its bytes and its journal went
 * before its row said so; a recording without media never had a file, and its journal went as well.
 */
function removals(builder: SqlBuilder): readonly Compilable[] {
  return [
    builder.schema.alterTable('chunks').addColumn('purgedAtMs', 'bigint'),
    builder.schema.alterTable('recordings').addColumn('journalRemovedAtMs', 'bigint'),
    builder
      .updateTable('recordings')
      .set((of) => ({
        journalRemovedAtMs: of.fn.coalesce(
          of
            .selectFrom('chunks')
            .select((chunk) => chunk.fn.max('deletedAtMs').as('deletedAtMs'))
            .whereRef('chunks.recordingId', '=', 'recordings.recordingId'),
          of.ref('endedAtMs'),
        ),
      }))
      .where('state', '=', sql.lit('done'))
      .where((is) =>
        is.not(
          is.exists(
            is
              .selectFrom('chunks')
              .select('documentId')
              .whereRef('chunks.recordingId', '=', 'recordings.recordingId')
              .where('deletedAtMs', 'is', null),
          ),
        ),
      ),
    builder
      .updateTable('chunks')
      .set((of) => ({ purgedAtMs: of.ref('deletedAtMs'), metadata: sql.lit('') }))
      .where('deletedAtMs', 'is not', null),
    builder.schema
      .createIndex('chunksUnpurged')
      .on('chunks')
      .columns(['deletedAtMs'])
      .where(sql.ref('purgedAtMs'), 'is', null),
    builder.schema
      .createIndex('journalsKept')
      .on('recordings')
      .columns(['endedAtMs'])
      .where(sql.ref('journalRemovedAtMs'), 'is', null),
  ];
}

/** The statements that bring a database from `applied` to the newest version, in order. */
export function pendingMigrations(
  builder: SqlBuilder,
  applied: number,
): readonly { readonly version: number; readonly statements: readonly string[] }[] {
  return MIGRATIONS.filter(({ version }) => version > applied).map((migration) => ({
    version: migration.version,
    statements: [
      ...migration.statements(builder).map((query) => query.compile().sql),
      sql`insert into schema_migrations (version, name)
        values (${sql.lit(migration.version)}, ${sql.lit(migration.name)})`.compile(builder).sql,
    ],
  }));
}
