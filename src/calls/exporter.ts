import { TapedeckError } from '../core/error.ts';
import type { DocumentId } from '../core/ids.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { ExportTarget } from '../core/ports/export.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { ChunkRecord, ExportRecord } from '../core/records.ts';
import { mediaTypeOf } from './chunk-record.ts';
import { containerFiles, putMetadata } from './container-files.ts';
import { commitFacts, type CallPorts } from './context.ts';
import { afterFailure } from './export-attempts.ts';
import { withoutSecret } from './export-target.ts';
import type { RecordingQueues } from './recording-queues.ts';

/** Containers that hang hold up no more than so many. */
const AT_A_TIME = 4;
/** How long a stop waits for what is being copied; it is copied again after the next start. */
const CLOSE_MS = 1_000;

/**
 * Brings files into the containers of callers that could not be written when their recordings ended.
 * What waits is in the ledger, and tried again after a restart.
 */
export class Exporter {
  readonly #ports: CallPorts;
  readonly #queues: RecordingQueues;
  readonly #timers = new Map<DocumentId, Timer>();
  /** Those that have a timer, are due, or are being copied. */
  readonly #taken = new Set<DocumentId>();
  /** Due, in the order in which they became so. */
  readonly #due: ExportRecord[] = [];
  readonly #working = new Set<Promise<void>>();
  #closed = false;

  constructor(ports: CallPorts, queues: RecordingQueues) {
    this.#ports = ports;
    this.#queues = queues;
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    for (const record of await this.#ports.ledger.waitingExports()) this.add(record);
  }

  /**
   * An export that waits for its next attempt and is in the ledger. One that is known is not taken again:
   * a start finds in the ledger what is announced meanwhile.
   */
  add(record: ExportRecord): void {
    if (this.#closed || this.#taken.has(record.documentId)) return;
    this.#taken.add(record.documentId);
    const { clock } = this.#ports;
    const delayMs = Math.max(0, record.nextAttemptAtMs - clock.nowMs());
    const timer = clock.setTimer(delayMs, () => {
      this.#timers.delete(record.documentId);
      this.#due.push(record);
      this.#work();
    });
    this.#timers.set(record.documentId, timer);
  }

  /** No attempts from now on; those that run get a second to end. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#due.length = 0;
    if (this.#working.size === 0) return;
    const { clock } = this.#ports;
    const { promise: limit, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.setTimer(CLOSE_MS, () => {
      resolve(undefined);
    });
    await Promise.race([Promise.allSettled(this.#working), limit]);
    timer.cancel();
  }

  #work(): void {
    while (!this.#closed && this.#working.size < AT_A_TIME) {
      const next = this.#due.shift();
      if (next === undefined) return;
      const work = this.#attempt(next).finally(() => {
        this.#working.delete(work);
        this.#work();
      });
      this.#working.add(work);
    }
  }

  async #attempt(record: ExportRecord): Promise<void> {
    const { clock, log } = this.#ports;
    const { documentId } = record;
    let outcome: ExportRecord;
    let secret: string | undefined;
    try {
      const chunk = await this.#present(documentId);
      const recording = await this.#ports.ledger.recording(record.recordingId);
      const exportTo = recording?.exportTo;
      secret = exportTo?.containerUrl;
      const isCopied =
        chunk !== undefined && exportTo !== undefined && (await this.#copy(chunk, exportTo));
      outcome = isCopied
        ? { ...record, state: 'done', attempts: record.attempts + 1, error: undefined }
        : { ...record, state: 'failed', error: 'The recording was deleted.' };
    } catch (error) {
      outcome = afterFailure(record, failureOf(error, secret), clock.nowMs());
    }
    const { state, attempts, error } = outcome;
    log[state === 'done' ? 'info' : 'warn'](
      { documentId, recordingId: record.recordingId, state, attempts, error },
      'a recording was to be copied to its container',
    );
    this.#taken.delete(documentId);
    // What is not written down is done again by the next start.
    if (this.#closed) return;
    await this.#settle(outcome);
  }

  /** `undefined` if there is none any more. */
  async #present(documentId: DocumentId): Promise<ChunkRecord | undefined> {
    const chunk = await this.#ports.ledger.chunk(documentId);
    return chunk?.deletedAtMs === undefined ? chunk : undefined;
  }

  /** False if the file was deleted meanwhile. */
  async #copy(chunk: ChunkRecord, exportTo: ExportTarget): Promise<boolean> {
    const { containers } = this.#ports;
    const { content } = containerFiles(exportTo, chunk);
    const mediaType = mediaTypeOf(chunk.format);
    await containers.copy(exportTo.containerUrl, content, chunk.blobKey, mediaType);
    // Copying may have taken hours: what was deleted meanwhile is not written any more.
    if ((await this.#present(chunk.documentId)) === undefined) return false;
    await putMetadata(containers, exportTo, chunk);
    return true;
  }

  async #settle(outcome: ExportRecord): Promise<void> {
    try {
      await this.#queues.run(outcome.recordingId, async () => {
        await commitFacts(this.#ports, [
          { kind: 'export', record: outcome },
          ...(outcome.state === 'waiting' ? [] : await this.#secretForgotten(outcome)),
        ]);
      });
      if (outcome.state === 'waiting') this.add(outcome);
    } catch (error) {
      const { documentId } = outcome;
      this.#ports.log.error({ documentId, error }, 'the state of an export could not be stored');
      // Copied once more rather than forgotten.
      this.add(
        afterFailure({ ...outcome, state: 'waiting' }, 'not stored', this.#ports.clock.nowMs()),
      );
    }
  }

  /** With the last export of a recording, nothing needs access to its container any more. */
  async #secretForgotten({ recordingId, documentId }: ExportRecord): Promise<readonly Fact[]> {
    const { ledger } = this.#ports;
    const exports = await ledger.exportsOf(recordingId);
    const isLast = exports.every(
      (other) => other.documentId === documentId || other.state !== 'waiting',
    );
    const recording = await ledger.recording(recordingId);
    if (!isLast || recording?.exportTo === undefined) return [];
    const exportTo = withoutSecret(recording.exportTo);
    return [{ kind: 'recording', record: { ...recording, exportTo } }];
  }
}

/** In words that can be shown: what grants access to the container is not. */
function failureOf(error: unknown, containerUrl: string | undefined): string {
  const text = error instanceof TapedeckError ? `${error.code}: ${error.message}` : 'internal';
  const query = containerUrl === undefined ? '' : new URL(containerUrl).search;
  const shown = query.length > 1 ? text.replaceAll(query, '?…') : text;
  return shown.replaceAll(/\bsig=[^&\s]+/gi, 'sig=…');
}
