import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { TapedeckError } from '../core/error.ts';
import { MIGRATIONS, pendingMigrations } from './migrations.ts';
import { sqliteBuilder } from './sql-builder.ts';
import type {
  BatchOutcome,
  SqlBatch,
  SqlEngine,
  SqlResult,
  SqlRow,
  SqlStatement,
} from '../core/ports/sql-engine.ts';

export type SqliteEngineOptions = {
  /** The database file; made if it is not there. Its directory must exist. */
  readonly path: string;
  /** How long a statement waits for another process's lock. Default 5000. */
  readonly busyTimeoutMs?: number;
};

/** Kept prepared; the texts that repositories compile are fewer than this. */
const MAX_PREPARED_STATEMENTS = 256;

type Prepared = { readonly statement: StatementSync; readonly returnsRows: boolean };

/**
 * Opens the database and brings its schema up to date. Throws `database-failed` if the file
 * is not a database, cannot be written, or has a schema newer than this program knows.
 */
export function openSqliteEngine(options: SqliteEngineOptions): SqliteEngine {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(options.path, {
      enableForeignKeyConstraints: true,
      timeout: options.busyTimeoutMs ?? 5_000,
    });
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    // What is deleted or replaced is overwritten with zeros: nobody finds it in the file.
    database.exec('PRAGMA secure_delete = ON');
    // What a savepoint would restore is kept in memory, not in a file in the system's temporary directory.
    database.exec('PRAGMA temp_store = MEMORY');
    migrate(database);
    return new SqliteEngine(database);
  } catch (error) {
    database?.close();
    if (error instanceof TapedeckError) throw error;
    throw new TapedeckError('database-failed', `cannot open ${options.path}: ${textOf(error)}`, {
      cause: error,
    });
  }
}

function migrate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(
      'CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL)',
    );
    const row = database.prepare('SELECT max(version) AS version FROM schema_migrations').get();
    const applied = Number(row?.['version'] ?? 0);
    if (applied > MIGRATIONS.length) {
      throw new TapedeckError(
        'database-failed',
        `the database has schema ${String(applied)}, made by a newer Tapedeck; this one knows ` +
          `schemas up to ${String(MIGRATIONS.length)}: start the newer version`,
      );
    }
    for (const { statements } of pendingMigrations(sqliteBuilder(), applied)) {
      for (const text of statements) database.exec(text);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * SQLite, synchronous: lives in the database worker. A group of batches is one transaction and one
 * sync; each batch has a savepoint, so that a failing one takes no other with it.
 */
export class SqliteEngine implements SqlEngine {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  #synchronous: 'FULL' | 'NORMAL' = 'FULL';

  /** Takes ownership of `database`. */
  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** A failed commit is the outcome of each batch. */
  executeGroup(batches: readonly SqlBatch[]): readonly BatchOutcome[] {
    try {
      this.#begin(batches);
      const outcomes = batches.map((batch) => this.#savepoint(batch));
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      const failed: BatchOutcome = { ok: false, error: toError(error) };
      return batches.map(() => failed);
    }
  }

  close(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #begin(batches: readonly SqlBatch[]): void {
    if (batches.every(({ intent }) => intent === 'read')) {
      this.#database.exec('BEGIN');
      return;
    }
    const synchronous = batches.some(({ intent }) => intent === 'facts') ? 'FULL' : 'NORMAL';
    // Cannot be changed within a transaction. A FULL commit also syncs what NORMAL ones left.
    if (synchronous !== this.#synchronous) {
      this.#database.exec(`PRAGMA synchronous = ${synchronous}`);
      this.#synchronous = synchronous;
    }
    this.#database.exec('BEGIN IMMEDIATE');
  }

  #savepoint(batch: SqlBatch): BatchOutcome {
    this.#database.exec('SAVEPOINT batch');
    try {
      const results = batch.statements.map((statement) => this.#run(statement));
      this.#database.exec('RELEASE batch');
      return { ok: true, results };
    } catch (error) {
      // A full disk or an I/O error ends the whole transaction: then nobody's batch is kept.
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO batch');
      this.#database.exec('RELEASE batch');
      return { ok: false, error: toError(error) };
    }
  }

  #run(statement: SqlStatement): SqlResult {
    const { statement: prepared, returnsRows } = this.#prepare(statement.sql);
    if (returnsRows) {
      const rows = prepared.all(...statement.parameters) as SqlRow[];
      // Rows come without a prototype; as plain objects they are cloned to other threads faster.
      return { rows: rows.map((row) => ({ ...row })), changes: 0 };
    }
    const changes = Number(prepared.run(...statement.parameters).changes);
    if (statement.expectChanges !== undefined && statement.expectChanges !== changes) {
      throw new TapedeckError(
        'database-failed',
        `expected to change ${String(statement.expectChanges)} rows, changed ${String(changes)}`,
      );
    }
    return { rows: [], changes };
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    if (this.#prepared.size >= MAX_PREPARED_STATEMENTS) this.#prepared.clear();
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // The error that led here is reported; a connection that is closed or broken stays so.
    }
  }
}

function toError(error: unknown): TapedeckError {
  if (error instanceof TapedeckError) return error;
  return new TapedeckError('database-failed', textOf(error), { cause: error });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
