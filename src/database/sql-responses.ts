import type { Compilable } from 'kysely';
import type { DocumentId } from '../core/ids.ts';
import type { ResponseLedger } from '../core/ports/response-ledger.ts';
import type { SqlExecutor } from '../core/ports/sql-engine.ts';
import type { ResponseRecord } from '../core/records.ts';
import { pages } from './pages.ts';
import { decodeRow } from './row-codec.ts';
import { statement, type SqlBuilder } from './sql-builder.ts';
import { responseColumns } from './tables.ts';

/** Rows read at once where there may be many. */
const PAGE_ROWS = 500;

/** The ledger's part for responses. */
export class SqlResponses implements ResponseLedger {
  readonly #executor: SqlExecutor;
  readonly #builder: SqlBuilder;

  constructor(executor: SqlExecutor, builder: SqlBuilder) {
    this.#executor = executor;
    this.#builder = builder;
  }

  async response(operationId: string): Promise<ResponseRecord | undefined> {
    const query = this.#builder
      .selectFrom('responses')
      .selectAll()
      .where('operationId', '=', operationId);
    return (await this.#read(query))[0];
  }

  async responseWith(documentId: DocumentId): Promise<ResponseRecord | undefined> {
    const query = this.#builder
      .selectFrom('responses')
      .selectAll()
      .where('documentId', '=', documentId);
    return (await this.#read(query))[0];
  }

  unfinishedResponses(): Promise<readonly ResponseRecord[]> {
    return pages(PAGE_ROWS, async (after: string, limit) => {
      const query = this.#builder
        .selectFrom('responses')
        .selectAll()
        .where('completion', 'is', null)
        .where('removedAtMs', 'is', null)
        .where('operationId', '>', after)
        .orderBy('operationId')
        .limit(limit);
      return (await this.#read(query)).map((row) => ({ row, key: row.operationId }));
    });
  }

  expiredResponses(callEndedUntilMs: number, limit: number): Promise<readonly ResponseRecord[]> {
    const query = this.#builder
      .selectFrom('responses')
      .selectAll()
      .where((is) =>
        is.or([
          is('removedAtMs', 'is not', null),
          is.and([
            is('completion', 'is not', null),
            is('isKept', '=', 0),
            is.exists(
              is
                .selectFrom('calls')
                .select('calls.serverCallId')
                .whereRef('calls.serverCallId', '=', 'responses.serverCallId')
                .where('calls.endedAtMs', '<=', Math.floor(callEndedUntilMs)),
            ),
          ]),
        ]),
      )
      .orderBy('acceptedAtMs')
      .limit(limit);
    return this.#read(query);
  }

  /** Names of their journals' directories. */
  journals(): Promise<readonly string[]> {
    return pages(PAGE_ROWS, async (after: string, limit) => {
      const query = this.#builder
        .selectFrom('responses')
        .selectAll()
        .where('operationId', '>', after)
        .orderBy('operationId')
        .limit(limit);
      return (await this.#read(query)).map((row) => ({
        row: row.documentId,
        key: row.operationId,
      }));
    });
  }

  async #read(query: Compilable): Promise<readonly ResponseRecord[]> {
    const [result] = await this.#executor.execute({
      intent: 'read',
      statements: [statement(query)],
    });
    return (result?.rows ?? []).map((row) => decodeRow(responseColumns, row));
  }
}
