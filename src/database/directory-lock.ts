import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { TapedeckError } from '../core/error.ts';

const LOCK_FILE = 'lock';

/** Held while a process uses the data directory. */
export interface DirectoryLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the data directory for this process alone. SQLite's exclusive lock is a lock of the
 * operating system: it goes with the process, however that ends, so there is no stale one.
 * Throws `data-dir-in-use`, or `data-dir-unusable` when the directory cannot be written.
 */
export function lockDirectory(directory: string): DirectoryLock {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const text = error instanceof Error ? error.message : String(error);
    if (/locked|busy/i.test(text)) {
      throw new TapedeckError(
        'data-dir-in-use',
        `--data-dir ${directory} is in use by another Tapedeck`,
        { field: '--data-dir', cause: error },
      );
    }
    throw new TapedeckError(
      'data-dir-unusable',
      `--data-dir ${directory} cannot be used: ${text}`,
      { field: '--data-dir', cause: error },
    );
  }
  const held = database;
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      held.close();
    },
  };
}
