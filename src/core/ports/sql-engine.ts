import type { TapedeckError } from '../error.ts';

/** What a statement may be given: structured-clonable, and known to every engine. */
export type SqlValue = string | number | null;

/** A row as an engine gives it: column name → value. Integers may come as `bigint` or text. */
export type SqlRow = Readonly<Record<string, unknown>>;

export type SqlStatement = {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** The whole batch fails unless this statement changes exactly so many rows. */
  readonly expectChanges?: number;
};

/** Statements that happen together or not at all. Structured-clonable, to cross a thread. */
export type SqlBatch = {
  /**
   * `facts`: on the medium when the batch resolves. `bookkeeping`: survives the death of the
   * process, but a power cut may take the last of it. `read`: changes nothing.
   */
  readonly intent: 'facts' | 'bookkeeping' | 'read';
  readonly statements: readonly SqlStatement[];
};

export type SqlResult = {
  /** Empty for a statement that returns none. */
  readonly rows: readonly SqlRow[];
  /** Rows inserted, updated or deleted; 0 for a statement that returns rows. */
  readonly changes: number;
};

/** Where compiled SQL goes: the database thread, or an engine in the same thread. */
export interface SqlExecutor {
  /**
   * One result a statement, in order. Batches take effect in the order of the calls. Rejects with
   * `database-failed`; nothing of the batch is kept then.
   */
  execute(batch: SqlBatch): Promise<readonly SqlResult[]>;
}

export type BatchOutcome =
  | { readonly ok: true; readonly results: readonly SqlResult[] }
  | { readonly ok: false; readonly error: TapedeckError };

/**
 * What makes the database's disk calls: an engine such as SQLite writes and syncs its own files, so the
 * database's way to the medium is this and not `Disk`. A simulated one can lose what was not synced.
 */
export interface SqlEngine {
  /**
   * Runs a group of batches at once and waits for it, with one sync for all: one outcome a batch, in order. Never
   * throws.
   */
  executeGroup(batches: readonly SqlBatch[]): readonly BatchOutcome[];
  /** Idempotent. */
  close(): void;
}
