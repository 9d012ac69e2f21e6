import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TapedeckError } from './core/error.ts';

/** Where things lie under the data directory. */
export type DataPaths = {
  readonly root: string;
  readonly database: string;
  readonly blobs: string;
  readonly journals: string;
  readonly deadLetters: string;
  readonly keys: string;
  readonly tls: string;
  readonly reserve: string;
};

export function dataPaths(root: string): DataPaths {
  return {
    root,
    database: join(root, 'tapedeck.sqlite'),
    blobs: join(root, 'blobs'),
    journals: join(root, 'journals'),
    deadLetters: join(root, 'dead-letters'),
    keys: join(root, 'keys'),
    tls: join(root, 'tls'),
    reserve: join(root, 'reserve'),
  };
}

/** Makes the data directory; rejects with `data-dir-unusable`, in one clear line, when it cannot be used. */
export async function prepareDataDirectory(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new TapedeckError('data-dir-unusable', `--data-dir ${root} cannot be used: ${text}`, {
      field: '--data-dir',
      cause,
    });
  }
}
