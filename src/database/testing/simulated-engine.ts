import { TapedeckError } from '../../core/error.ts';
import type { BatchOutcome, SqlBatch, SqlEngine } from '../../core/ports/sql-engine.ts';
import { openSqliteEngine } from '../sqlite-engine.ts';

const IN_MEMORY = { path: ':memory:' };

/**
 * SQLite on a simulated medium: it lives in memory, and what it was given is kept beside it, so that a
 * loss of power can take it back to its last sync. For what runs in one process under control of a test.
 */
export class SimulatedEngine implements SqlEngine {
  /** Groups of batches that changed something, in their order. */
  #groups: (readonly SqlBatch[])[] = [];
  #engine = openSqliteEngine(IN_MEMORY);
  /** How many of the groups are on the medium. */
  #synced = 0;
  #refusals = 0;

  /** The medium refuses the next groups, as a full disk does: nothing of them is kept. */
  refuse(groups: number): void {
    this.#refusals = groups;
  }

  executeGroup(batches: readonly SqlBatch[]): readonly BatchOutcome[] {
    if (this.#refusals > 0) {
      this.#refusals -= 1;
      const error = new TapedeckError('database-failed', 'database or disk is full');
      return batches.map(() => ({ ok: false, error }));
    }
    const outcomes = this.#engine.executeGroup(batches);
    const kept = batches.filter(({ intent }, at) => intent !== 'read' && outcomes[at]?.ok === true);
    if (kept.length > 0) this.#groups.push(kept);
    if (kept.some(({ intent }) => intent === 'facts')) this.#synced = this.#groups.length;
    return outcomes;
  }

  /**
   * The machine loses power and comes back. Facts are there; of the bookkeeping behind the last of them,
   * the first `kept` groups. Default 0.
   */
  losePower(kept = 0): void {
    this.#engine.close();
    this.#groups = this.#groups.slice(0, this.#synced + kept);
    this.#synced = this.#groups.length;
    this.#engine = openSqliteEngine(IN_MEMORY);
    for (const group of this.#groups) this.#engine.executeGroup(group);
  }

  /** The content goes with it. */
  close(): void {
    this.#engine.close();
  }
}
