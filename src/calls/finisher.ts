import type { RecordingId } from '../core/ids.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { RenderJob, RenderedChunk } from '../core/ports/render.ts';
import type { ChunkRecord, RecordingRecord } from '../core/records.ts';
import { journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingEvents } from './events/recording-events.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import { metadataDocument } from './recording-metadata.ts';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 600_000;

/**
 * From a journal that has ended to the announced file: render what is left, then chunk row and
 * event in one transaction. Whatever fails is tried again; nothing is dropped.
 */
export class Finisher {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #events: RecordingEvents;
  readonly #insistent: InsistentCommit;
  readonly #working = new Map<RecordingId, Promise<void>>();
  readonly #retries = new Map<RecordingId, Timer>();
  #closed = false;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly events: RecordingEvents;
    readonly insistent: InsistentCommit;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#events = parts.events;
    this.#insistent = parts.insistent;
  }

  jobOf(record: RecordingRecord): RenderJob {
    return {
      recordingId: record.recordingId,
      journalDirectory: journalDirectory(this.#settings, record.documentId),
      documentId: record.documentId,
      blobDirectory: 'recordings',
      plan: record.plan,
      ...(record.exportTo !== undefined && { exportTo: record.exportTo }),
    };
  }

  /** Takes the recording over. `ended` is the commit of its end, which the file's commit follows. */
  finish(record: RecordingRecord, correlationId: string, ended: Promise<void>): void {
    this.#attempt(record, correlationId, ended, FIRST_RETRY_MS);
  }

  /** Resolves when nothing is being finished any more (retries that wait are left to a restart). */
  async idle(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working.values());
  }

  /** No retries from now on; what runs goes on. */
  close(): void {
    this.#closed = true;
    for (const retry of this.#retries.values()) retry.cancel();
    this.#retries.clear();
  }

  #attempt(
    record: RecordingRecord,
    correlationId: string,
    ended: Promise<void>,
    retryMs: number,
  ): void {
    const { recordingId } = record;
    const work = this.#store(record, correlationId, ended)
      .catch((error: unknown) => {
        if (this.#closed) {
          this.#ports.log.error(
            { recordingId, error },
            'a recording could not be finished; the next start will do it',
          );
          return;
        }
        this.#ports.log.error(
          { recordingId, error, retryMs },
          'a recording could not be finished; it will be tried again',
        );
        const retry = this.#ports.clock.setTimer(retryMs, () => {
          this.#retries.delete(recordingId);
          const nextMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
          this.#attempt(record, correlationId, ended, nextMs);
        });
        this.#retries.set(recordingId, retry);
      })
      .finally(() => {
        this.#working.delete(recordingId);
      });
    this.#working.set(recordingId, work);
  }

  async #store(
    record: RecordingRecord,
    correlationId: string,
    ended: Promise<void>,
  ): Promise<void> {
    const [rendered] = await Promise.all([this.#ports.render.finish(this.jobOf(record)), ended]);
    const done: RecordingRecord = { ...record, state: 'done' };
    const { recordingId, serverCallId } = record;
    if (rendered.length === 0) {
      await this.#insistent.commit([{ kind: 'recording', record: done }]);
      this.#ports.log.info({ recordingId, serverCallId }, 'recording without media, no file');
      await this.#ports.disk.remove(journalDirectory(this.#settings, record.documentId));
      return;
    }
    const chunks = rendered.map((chunk) => this.#chunkRecord(done, chunk, correlationId));
    await this.#insistent.commit([
      { kind: 'recording', record: done },
      ...chunks.map((chunk) => ({ kind: 'chunk', record: chunk }) as const),
      this.#events.fileStatusUpdated(done, chunks, correlationId),
    ]);
    const durationMs = chunks.reduce((sum, chunk) => sum + chunk.durationMs, 0);
    this.#ports.log.info({ recordingId, serverCallId, durationMs }, 'recording stored');
  }

  #chunkRecord(record: RecordingRecord, chunk: RenderedChunk, callId: string): ChunkRecord {
    const nowMs = this.#ports.clock.nowMs();
    return {
      documentId: chunk.documentId,
      recordingId: record.recordingId,
      index: chunk.index,
      purpose: 'session',
      format: record.plan.format,
      channels: chunk.channels,
      blobKey: chunk.blobKey,
      peaksKey: chunk.peaksKey,
      sizeBytes: chunk.sizeBytes,
      durationMs: chunk.durationMs,
      sha256: chunk.sha256,
      endReason: 'SessionEnded',
      metadata: metadataDocument(record, chunk, {
        resourceId: this.#settings.resourceId,
        callId,
      }),
      createdAtMs: nowMs,
      expiresAtMs: record.retentionMs === undefined ? undefined : nowMs + record.retentionMs,
      deletedAtMs: undefined,
      purgedAtMs: undefined,
    };
  }
}
