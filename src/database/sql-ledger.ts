import type { Compilable } from 'kysely';
import type {
  CallConnectionId,
  DocumentId,
  LegId,
  RecordingId,
  ServerCallId,
} from '../core/ids.ts';
import type { Fact, Ledger } from '../core/ports/ledger.ts';
import type {
  AuditRecord,
  CallRecord,
  ChunkRecord,
  ConnectionRecord,
  ExportRecord,
  OperationRecord,
  RecordingRecord,
  RepeatabilityRecord,
  ResponseRecord,
  SubscriptionRecord,
} from '../core/records.ts';
import { factWriter } from './fact-writer.ts';
import { pages } from './pages.ts';
import { decodeRow, type Columns } from './row-codec.ts';
import { statement, type SqlBuilder } from './sql-builder.ts';
import { SqlResponses } from './sql-responses.ts';
import type { SqlExecutor, SqlStatement } from '../core/ports/sql-engine.ts';
import {
  auditColumns,
  callColumns,
  chunkColumns,
  connectionColumns,
  exportColumns,
  legColumns,
  operationColumns,
  recordingColumns,
  repeatabilityColumns,
  subscriptionColumns,
} from './tables.ts';

const journalDirectoryColumns: Columns<Pick<RecordingRecord, 'recordingId' | 'journalDirectory'>> =
  {
    recordingId: 'text',
    journalDirectory: 'text',
  };

const sequencedOperationColumns: Columns<OperationRecord & { readonly sequence: number }> = {
  ...operationColumns,
  sequence: 'integer',
};

/** Rows read at once where there may be many. */
const PAGE_ROWS = 500;

/** The ledger on any engine that speaks the SQL of `builder`. */
export class SqlLedger implements Ledger {
  readonly #executor: SqlExecutor;
  readonly #builder: SqlBuilder;
  readonly #statementsOf: (fact: Fact) => readonly SqlStatement[];
  readonly #responses: SqlResponses;

  constructor(executor: SqlExecutor, builder: SqlBuilder) {
    this.#executor = executor;
    this.#builder = builder;
    this.#statementsOf = factWriter(builder);
    this.#responses = new SqlResponses(executor, builder);
  }

  async commit(facts: readonly Fact[]): Promise<void> {
    if (facts.length === 0) return;
    await this.#executor.execute({
      intent: 'facts',
      statements: facts.flatMap((fact) => this.#statementsOf(fact)),
    });
  }

  call(id: ServerCallId): Promise<CallRecord | undefined> {
    const query = this.#builder.selectFrom('calls').selectAll().where('serverCallId', '=', id);
    return this.#one(query, callColumns);
  }

  connection(id: CallConnectionId): Promise<ConnectionRecord | undefined> {
    const query = this.#builder
      .selectFrom('connections')
      .selectAll()
      .where('callConnectionId', '=', id);
    return this.#one(query, connectionColumns);
  }

  recording(id: RecordingId): Promise<RecordingRecord | undefined> {
    const query = this.#builder.selectFrom('recordings').selectAll().where('recordingId', '=', id);
    return this.#one(query, recordingColumns);
  }

  chunk(id: DocumentId): Promise<ChunkRecord | undefined> {
    const query = this.#builder.selectFrom('chunks').selectAll().where('documentId', '=', id);
    return this.#one(query, chunkColumns);
  }

  chunksOf(id: RecordingId, purpose?: ChunkRecord['purpose']): Promise<readonly ChunkRecord[]> {
    const query = this.#builder
      .selectFrom('chunks')
      .selectAll()
      .where('recordingId', '=', id)
      .$if(purpose !== undefined, (all) => all.where('purpose', '=', purpose ?? 'session'))
      // `session` before `rendering`.
      .orderBy('purpose', 'desc')
      .orderBy('format')
      .orderBy('index');
    return this.#many(query, chunkColumns);
  }

  /**
   * A page ends at a whole millisecond: it may be a little longer than `limit`, so that `before`,
   * the start of the page's last recording, skips none that started with it.
   */
  recordings(page: {
    readonly limit: number;
    readonly before?: number;
  }): Promise<readonly RecordingRecord[]> {
    const before = page.before ?? Number.MAX_SAFE_INTEGER;
    const query = this.#builder
      .selectFrom('recordings')
      .selectAll()
      .where('startedAtMs', '<', before)
      .where('startedAtMs', '>=', (inner) =>
        inner
          .selectFrom((newest) =>
            newest
              .selectFrom('recordings')
              .select('startedAtMs')
              .where('startedAtMs', '<', before)
              .orderBy('startedAtMs', 'desc')
              .limit(page.limit)
              .as('newest'),
          )
          .select(({ fn }) => fn.min('newest.startedAtMs').as('oldestOfPage')),
      )
      .orderBy('startedAtMs', 'desc')
      .orderBy('recordingId', 'desc');
    return this.#many(query, recordingColumns);
  }

  async unfinished(): ReturnType<Ledger['unfinished']> {
    const [calls, connections, legs, recordings, operations] = await Promise.all([
      pages(PAGE_ROWS, (after: string, limit) =>
        this.#many(
          this.#builder
            .selectFrom('calls')
            .selectAll()
            .where('state', 'in', ['offered', 'connecting', 'connected'])
            .where('serverCallId', '>', after as ServerCallId)
            .orderBy('serverCallId')
            .limit(limit),
          callColumns,
        ).then((rows) => rows.map((row) => ({ row, key: row.serverCallId }))),
      ),
      pages(PAGE_ROWS, (after: string, limit) =>
        this.#many(
          this.#builder
            .selectFrom('connections')
            .selectAll()
            .where('state', 'in', ['connecting', 'connected'])
            .where('callConnectionId', '>', after as CallConnectionId)
            .orderBy('callConnectionId')
            .limit(limit),
          connectionColumns,
        ).then((rows) => rows.map((row) => ({ row, key: row.callConnectionId }))),
      ),
      pages(PAGE_ROWS, (after: string, limit) =>
        this.#many(
          this.#builder
            .selectFrom('legs')
            .selectAll()
            .where('state', '=', 'up')
            .where('legId', '>', after as LegId)
            .orderBy('legId')
            .limit(limit),
          legColumns,
        ).then((rows) => rows.map((row) => ({ row, key: row.legId }))),
      ),
      pages(PAGE_ROWS, (after: string, limit) =>
        this.#many(
          this.#builder
            .selectFrom('recordings')
            .selectAll()
            .where('state', 'in', ['active', 'paused', 'finishing'])
            .where('recordingId', '>', after as RecordingId)
            .orderBy('recordingId')
            .limit(limit),
          recordingColumns,
        ).then((rows) => rows.map((row) => ({ row, key: row.recordingId }))),
      ),
      this.#operations(),
    ]);
    return { calls, connections, legs, recordings, operations };
  }

  #operations(): Promise<readonly OperationRecord[]> {
    return pages(PAGE_ROWS, async (after: string, limit) => {
      const query = this.#builder
        .selectFrom('operations')
        .selectAll()
        .where('sequence', '>', Number(after))
        .orderBy('sequence')
        .limit(limit);
      const rows = await this.#many(query, sequencedOperationColumns);
      return rows.map(({ sequence, ...row }) => ({ row, key: String(sequence) }));
    });
  }

  async journalDirectories(): Promise<readonly string[]> {
    return [...(await this.#recordingJournals()), ...(await this.#responses.journals())];
  }

  response(operationId: string): Promise<ResponseRecord | undefined> {
    return this.#responses.response(operationId);
  }

  responseWith(documentId: DocumentId): Promise<ResponseRecord | undefined> {
    return this.#responses.responseWith(documentId);
  }

  unfinishedResponses(): Promise<readonly ResponseRecord[]> {
    return this.#responses.unfinishedResponses();
  }

  expiredResponses(callEndedUntilMs: number, limit: number): Promise<readonly ResponseRecord[]> {
    return this.#responses.expiredResponses(callEndedUntilMs, limit);
  }

  #recordingJournals(): Promise<readonly string[]> {
    return pages(PAGE_ROWS, async (after: string, limit) => {
      const query = this.#builder
        .selectFrom('recordings')
        .select(['recordingId', 'journalDirectory'])
        .where('journalRemovedAtMs', 'is', null)
        .where('recordingId', '>', after as RecordingId)
        .orderBy('recordingId')
        .limit(limit);
      const rows = await this.#many(query, journalDirectoryColumns);
      return rows.map((row) => ({ row: row.journalDirectory, key: row.recordingId }));
    });
  }

  expiredChunks(nowMs: number, limit: number): Promise<readonly ChunkRecord[]> {
    const query = this.#builder
      .selectFrom('chunks')
      .selectAll()
      .where('deletedAtMs', 'is', null)
      .where('expiresAtMs', '<=', Math.floor(nowMs))
      .orderBy('expiresAtMs')
      .limit(limit);
    return this.#many(query, chunkColumns);
  }

  unpurgedChunks(limit: number): Promise<readonly ChunkRecord[]> {
    const query = this.#builder
      .selectFrom('chunks')
      .selectAll()
      .where('purgedAtMs', 'is', null)
      .where('deletedAtMs', 'is not', null)
      .orderBy('deletedAtMs')
      .limit(limit);
    return this.#many(query, chunkColumns);
  }

  keptJournals(endedUntilMs: number, limit: number): Promise<readonly RecordingRecord[]> {
    const query = this.#builder
      .selectFrom('recordings')
      .selectAll()
      .where('journalRemovedAtMs', 'is', null)
      .where('endedAtMs', '<=', Math.floor(endedUntilMs))
      .where('state', '=', 'done')
      .where((is) =>
        is.not(
          is.exists(
            is
              .selectFrom('exports')
              .select('documentId')
              .whereRef('exports.recordingId', '=', 'recordings.recordingId')
              .where('exports.state', '=', 'waiting'),
          ),
        ),
      )
      .orderBy('endedAtMs')
      .limit(limit);
    return this.#many(query, recordingColumns);
  }

  exportsOf(id: RecordingId): Promise<readonly ExportRecord[]> {
    const query = this.#builder
      .selectFrom('exports')
      .selectAll()
      .where('recordingId', '=', id)
      .orderBy('documentId');
    return this.#many(query, exportColumns);
  }

  waitingExports(): Promise<readonly ExportRecord[]> {
    return pages(PAGE_ROWS, async (after: string, limit) => {
      const query = this.#builder
        .selectFrom('exports')
        .selectAll()
        .where('state', '=', 'waiting')
        .where('documentId', '>', after as DocumentId)
        .orderBy('documentId')
        .limit(limit);
      const rows = await this.#many(query, exportColumns);
      return rows.map((row) => ({ row, key: row.documentId }));
    });
  }

  /** A page ends at a whole millisecond, for the reason of `recordings`. */
  audit(page: {
    readonly limit: number;
    readonly before?: number;
  }): Promise<readonly AuditRecord[]> {
    const before = page.before ?? Number.MAX_SAFE_INTEGER;
    const query = this.#builder
      .selectFrom('audit')
      .selectAll()
      .where('atMs', '<', before)
      .where('atMs', '>=', (inner) =>
        inner
          .selectFrom((newest) =>
            newest
              .selectFrom('audit')
              .select('atMs')
              .where('atMs', '<', before)
              .orderBy('atMs', 'desc')
              .limit(page.limit)
              .as('newest'),
          )
          .select(({ fn }) => fn.min('newest.atMs').as('oldestOfPage')),
      )
      .orderBy('atMs', 'desc')
      .orderBy('auditId', 'desc');
    return this.#many(query, auditColumns);
  }

  async forgetAuditBefore(atMs: number): Promise<void> {
    const query = this.#builder.deleteFrom('audit').where('atMs', '<', Math.floor(atMs));
    await this.#executor.execute({ intent: 'bookkeeping', statements: [statement(query)] });
  }

  subscriptions(): Promise<readonly SubscriptionRecord[]> {
    const query = this.#builder
      .selectFrom('subscriptions')
      .selectAll()
      .orderBy('createdAtMs')
      .orderBy('name');
    return this.#many(query, subscriptionColumns);
  }

  repeated(key: string): Promise<RepeatabilityRecord | undefined> {
    const query = this.#builder.selectFrom('repeatability').selectAll().where('key', '=', key);
    return this.#one(query, repeatabilityColumns);
  }

  async forgetRepeatedBefore(storedAtMs: number): Promise<void> {
    const query = this.#builder
      .deleteFrom('repeatability')
      .where('storedAtMs', '<', Math.floor(storedAtMs));
    await this.#executor.execute({ intent: 'bookkeeping', statements: [statement(query)] });
  }

  async #many<T>(query: Compilable, columns: Columns<T>): Promise<readonly T[]> {
    const [result] = await this.#executor.execute({
      intent: 'read',
      statements: [statement(query)],
    });
    return (result?.rows ?? []).map((row) => decodeRow(columns, row));
  }

  async #one<T>(query: Compilable, columns: Columns<T>): Promise<T | undefined> {
    const [first] = await this.#many(query, columns);
    return first;
  }
}
