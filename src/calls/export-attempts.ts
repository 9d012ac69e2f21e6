import type { ChunkRecord, ExportRecord } from '../core/records.ts';

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** After the first failure, nothing is tried for longer than this. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

type Exported = Pick<ChunkRecord, 'documentId' | 'recordingId'>;

/** In the container since before it was announced. */
export function exportDone({ documentId, recordingId }: Exported, nowMs: number): ExportRecord {
  return {
    documentId,
    recordingId,
    state: 'done',
    attempts: 1,
    nextAttemptAtMs: nowMs,
    expiresAtMs: nowMs,
    error: undefined,
  };
}

/** Copying it while the call was on, the first attempt, failed. */
export function exportWaiting({ documentId, recordingId }: Exported, nowMs: number): ExportRecord {
  return {
    documentId,
    recordingId,
    state: 'waiting',
    attempts: 1,
    nextAttemptAtMs: nowMs + FIRST_PAUSE_MS,
    expiresAtMs: nowMs + GIVE_UP_AFTER_MS,
    error: 'The container could not be written while the recording ran.',
  };
}

/** What follows from an attempt that failed: another one, after a pause that doubles, or the end. */
export function afterFailure(record: ExportRecord, error: string, nowMs: number): ExportRecord {
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** record.attempts, LONGEST_PAUSE_MS);
  const nextAttemptAtMs = nowMs + pauseMs;
  return {
    ...record,
    state: nextAttemptAtMs > record.expiresAtMs ? 'failed' : 'waiting',
    attempts: record.attempts + 1,
    nextAttemptAtMs,
    error,
  };
}
