import type { RecordingId } from '../core/ids.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { RenderedChunk, RenderJob } from '../core/ports/render.ts';
import type { ChunkRecord, ExportRecord, RecordingRecord } from '../core/records.ts';
import { chunkRecord } from './chunk-record.ts';
import { containerStorage, putMetadata } from './container-files.ts';
import { journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import { within } from './deadline.ts';
import { builtInStorage, type RecordingEvents } from './events/recording-events.ts';
import { exportDone, exportWaiting } from './export-attempts.ts';
import { withoutSecret } from './export-target.ts';
import type { InsistentCommit } from './insistent-commit.ts';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 600_000;
/** For the metadata documents of a recording: a container that is slower gets them from the exporter. */
const METADATA_LIMIT_MS = 10_000;

/**
 * From a journal that has ended to the announced files: render what is left, then chunk rows and
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
  /** Called for each chunk that is not in its container when it is announced. */
  onExportWaiting: (record: ExportRecord) => void = () => undefined;

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

  /** Takes the recording over. `ended` is the commit of its end, which the files' commit follows. */
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
    if (rendered.length === 0) {
      await this.#storeNothing(record);
      return;
    }
    const done: RecordingRecord = { ...record, state: 'done' };
    const undated = rendered.map((chunk) =>
      chunkRecord(chunk, {
        recording: done,
        purpose: 'session',
        format: record.plan.format,
        resourceId: this.#settings.resourceId,
        correlationId,
        createdAtMs: 0,
        expiresAtMs: undefined,
      }),
    );
    const isExported = await this.#isExported(record, rendered, undated);
    // The event's time: retention counts from it, for all chunks alike.
    const nowMs = this.#ports.clock.nowMs();
    const expiresAtMs = record.retentionMs === undefined ? undefined : nowMs + record.retentionMs;
    const chunks = undated.map((chunk) => ({ ...chunk, createdAtMs: nowMs, expiresAtMs }));
    const { exportTo } = record;
    const exports =
      exportTo === undefined
        ? []
        : chunks.map((chunk) =>
            isExported ? exportDone(chunk, nowMs) : exportWaiting(chunk, nowMs),
          );
    await this.#insistent.commit([
      {
        kind: 'recording',
        // Nothing is copied any more: what grants access to the container need not be kept.
        record: isExported ? forgetSecret(done) : done,
      },
      ...chunks.map((chunk) => ({ kind: 'chunk', record: chunk }) as const),
      ...exports.map((row) => ({ kind: 'export', record: row }) as const),
      this.#events.fileStatusUpdated(
        done,
        chunks,
        correlationId,
        isExported && exportTo !== undefined
          ? containerStorage(this.#ports.containers, exportTo)
          : builtInStorage(this.#settings.contentBaseUrl()),
      ),
    ]);
    for (const row of exports) if (row.state === 'waiting') this.onExportWaiting(row);
    const { recordingId, serverCallId } = record;
    const durationMs = chunks.reduce((sum, chunk) => sum + chunk.durationMs, 0);
    this.#ports.log.info(
      { recordingId, serverCallId, durationMs, chunks: chunks.length },
      'recording stored',
    );
  }

  async #storeNothing(record: RecordingRecord): Promise<void> {
    const { recordingId, serverCallId, documentId } = record;
    const journalRemovedAtMs = this.#ports.clock.nowMs();
    await this.#insistent.commit([
      {
        kind: 'recording',
        record: { ...forgetSecret(record), state: 'done', journalRemovedAtMs },
      },
    ]);
    this.#ports.log.info({ recordingId, serverCallId }, 'recording without media, no file');
    // What is left, also after a crash in between, belongs to nobody: the next start removes it.
    const directory = journalDirectory(this.#settings, documentId);
    await this.#ports.disk.remove(directory).catch((error: unknown) => {
      this.#ports.log.warn({ recordingId, error }, 'a journal without media was not removed');
    });
  }

  /** Whether all of it is in the caller's container by now, metadata and all. */
  async #isExported(
    { recordingId, exportTo }: RecordingRecord,
    rendered: readonly RenderedChunk[],
    chunks: readonly ChunkRecord[],
  ): Promise<boolean> {
    if (exportTo === undefined || !rendered.every((chunk) => chunk.isExported)) return false;
    const { clock, containers, log } = this.#ports;
    try {
      const all = Promise.all(chunks.map((chunk) => putMetadata(containers, exportTo, chunk)));
      await within(clock, METADATA_LIMIT_MS, all);
      return true;
    } catch (error) {
      log.warn({ recordingId, error }, 'the metadata of a recording is not in its container yet');
      return false;
    }
  }
}

function forgetSecret(record: RecordingRecord): RecordingRecord {
  const { exportTo } = record;
  return exportTo === undefined ? record : { ...record, exportTo: withoutSecret(exportTo) };
}
