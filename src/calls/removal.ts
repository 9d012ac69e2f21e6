import { TapedeckError } from '../core/error.ts';
import type { DocumentId, RecordingId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { AuditRecord, ChunkRecord, RecordingRecord } from '../core/records.ts';
import type { AuditTrail } from './audit-trail.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingQueues } from './recording-queues.ts';
import { RENDER_FORMATS, renderingKeys } from './rendering-names.ts';

type Why = {
  readonly action: Extract<AuditRecord['action'], 'deleted' | 'expired'>;
  readonly actor: string;
};

/**
 * Removes files of finished recordings for good: first a row says that they are gone, with the audit
 * row; then the bytes go, and those that could bring them back; then a row says that too. A start
 * goes on where a crash came in between.
 */
export class Removal {
  /** Told of each file as soon as its row says that it is gone. */
  onRemoved: (documentId: DocumentId) => void = () => undefined;
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #audit: AuditTrail;
  readonly #queues: RecordingQueues;
  /** Being removed: nobody reads them any more, whatever their rows still say. */
  readonly #leaving = new Set<DocumentId>();
  /** Their journals go, and all that was rendered from these. */
  readonly #losing = new Set<RecordingId>();

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly audit: AuditTrail;
    readonly queues: RecordingQueues;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#audit = parts.audit;
    this.#queues = parts.queues;
  }

  isLeaving({ documentId, recordingId, purpose }: ChunkRecord): boolean {
    if (this.#leaving.has(documentId)) return true;
    return purpose === 'rendering' && this.#losing.has(recordingId);
  }

  /** A rendering that is being made must not be kept. */
  isLosing(recordingId: RecordingId): boolean {
    return this.#losing.has(recordingId);
  }

  /**
   * Removes files of one recording; with one that its event announced, also its journal and all that
   * was rendered from that. Resolves with how many there still were. Bytes that the disk does not
   * give up now go with a later sweep.
   */
  async remove(
    recordingId: RecordingId,
    chunks: readonly ChunkRecord[],
    why: Why,
  ): Promise<number> {
    const isSession = chunks.some((chunk) => chunk.purpose === 'session');
    for (const { documentId } of chunks) this.#leaving.add(documentId);
    if (isSession) this.#losing.add(recordingId);
    try {
      return await this.#queues.run(recordingId, () => this.#remove(recordingId, chunks, why));
    } finally {
      for (const { documentId } of chunks) this.#leaving.delete(documentId);
      if (isSession) this.#losing.delete(recordingId);
    }
  }

  async #remove(
    recordingId: RecordingId,
    chunks: readonly ChunkRecord[],
    why: Why,
  ): Promise<number> {
    const { ledger, clock } = this.#ports;
    const [recording, all] = await Promise.all([
      ledger.recording(recordingId),
      ledger.chunksOf(recordingId),
    ]);
    const ids = new Set(chunks.map((chunk) => chunk.documentId));
    const present = all.filter((chunk) => chunk.deletedAtMs === undefined);
    const asked = present.filter((chunk) => ids.has(chunk.documentId));
    if (recording === undefined || asked.length === 0) return 0;
    const losesJournal = asked.some((chunk) => chunk.purpose === 'session');
    const going = present.filter(
      (chunk) => ids.has(chunk.documentId) || (losesJournal && chunk.purpose === 'rendering'),
    );
    const deletedAtMs = clock.nowMs();
    const facts: Fact[] = going.flatMap((chunk) => [
      { kind: 'chunk', record: { ...chunk, deletedAtMs, metadata: '' } },
      this.#audit.fact(why.action, chunk, why.actor),
    ]);
    if (losesJournal && recording.journalRemovedAtMs === undefined) {
      facts.push({ kind: 'recording', record: { ...recording, journalRemovedAtMs: deletedAtMs } });
    }
    await commitFacts(this.#ports, facts);
    for (const { documentId } of going) {
      this.onRemoved(documentId);
      this.#ports.log.info({ recordingId, documentId, ...why }, 'recording file removed');
    }
    await this.#purge(recording).catch((error: unknown) => {
      this.#ports.log.error({ recordingId, error }, 'removed files are still on the disk');
    });
    return asked.length;
  }

  /**
   * Completes what was deleted of this recording: whether there was anything. Rejects when the disk or the
   * ledger refuses.
   */
  async purge(recordingId: RecordingId): Promise<boolean> {
    return this.#queues.run(recordingId, async () => {
      const recording = await this.#ports.ledger.recording(recordingId);
      return recording !== undefined && (await this.#purge(recording));
    });
  }

  async #purge(recording: RecordingRecord): Promise<boolean> {
    const { ledger, blobs, clock, disk } = this.#ports;
    const all = await ledger.chunksOf(recording.recordingId);
    const deleted = all.filter((chunk) => chunk.deletedAtMs !== undefined);
    const unpurged = deleted.filter((chunk) => chunk.purgedAtMs === undefined);
    if (unpurged.length === 0) return false;
    for (const { blobKey, peaksKey } of unpurged) {
      await blobs.remove(blobKey);
      if (peaksKey !== '') await blobs.remove(peaksKey);
    }
    if (deleted.some((chunk) => chunk.purpose === 'session')) {
      await this.#removeUnannounced(recording.documentId);
      await disk.remove(journalDirectory(this.#settings, recording.documentId));
    }
    const purgedAtMs = clock.nowMs();
    await commitFacts(
      this.#ports,
      unpurged.map((chunk) => ({ kind: 'chunk', record: { ...chunk, purgedAtMs } })),
    );
    return true;
  }

  /**
   * Files of renderings whose rows a crash prevented, also those that a worker left unfinished when it
   * died. From the last: one that is left finds the others.
   */
  async #removeUnannounced(recording: DocumentId): Promise<void> {
    const { blobs } = this.#ports;
    for (const format of RENDER_FORMATS) {
      let count = 0;
      for (; ; count += 1) {
        const { blobKey } = renderingKeys(recording, format, count);
        const reader = (await blobs.read(blobKey)) ?? (await blobs.readUnfinished(blobKey));
        if (reader === undefined) break;
        await reader.close();
      }
      for (let index = count; index >= 0; index -= 1) {
        const { blobKey, peaksKey } = renderingKeys(recording, format, index);
        await blobs.remove(peaksKey);
        await blobs.remove(blobKey);
      }
    }
  }
}

export function contentNotFound(): TapedeckError {
  return new TapedeckError('content-not-found', 'Recording content not found.');
}
