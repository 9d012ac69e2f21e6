import type { RenderedChunk, RenderJob } from '../../core/ports/render.ts';
import type { ResponseFile } from '../../core/ports/response-recorder.ts';
import type { ResponseRecord } from '../../core/records.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from '../context.ts';

const DIRECTORY = 'responses';
/** More than any response has: there is one file. */
const WHOLE = { durationMs: 86_400_000, sizeBytes: 4_000_000_000 };

type Ports = Pick<
  CallPorts,
  'render' | 'blobs' | 'disk' | 'ledger' | 'wakeDelivery' | 'clock' | 'log'
>;

/** The files of responses and their journals: made, found and removed. */
export class ResponseFiles {
  readonly #ports: Ports;
  readonly #settings: CallSettings;

  constructor(ports: Ports, settings: CallSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Begins to make the file while the journal is written: of a long one little is left to do at its end. */
  follow(record: ResponseRecord): void {
    this.#ports.render.follow(this.#jobOf(record)).catch((error: unknown) => {
      const { operationId } = record;
      this.#ports.log.warn({ operationId, error }, 'rendering cannot follow a response');
    });
  }

  /**
   * Makes the file of a journal that has ended, or whose writer is dead. `undefined` when nothing was recorded.
   * Rejects as `RenderPort.finish` does.
   * @param mostMs where it is cut; `undefined`: nowhere.
   */
  async make(
    record: ResponseRecord,
    mostMs: number | undefined,
  ): Promise<RenderedChunk | undefined> {
    const job = this.#jobOf(record);
    const [chunk] = await this.#ports.render.finish({
      ...job,
      ...(mostMs !== undefined && { mostMs }),
    });
    return chunk;
  }

  #jobOf(record: ResponseRecord): RenderJob {
    return {
      recordingId: record.recordingId,
      journalDirectory: this.journalOf(record),
      documentId: record.documentId,
      blobDirectory: DIRECTORY,
      plan: {
        format: { container: record.container, channels: 'mixed' },
        channels: { limit: 1, pinned: [], overflow: 'leave-out' },
        chunks: WHOLE,
      },
    };
  }

  /** As it is told of. */
  describe({ documentId, sizeBytes, durationMs }: RenderedChunk): ResponseFile {
    const location = `${this.#settings.responses.baseUrl()}/recordings/${documentId}`;
    return { documentId, location, sizeBytes, durationMs };
  }

  journalOf({ documentId }: ResponseRecord): string {
    return journalDirectory(this.#settings, documentId);
  }

  blobOf({ documentId, container }: ResponseRecord): string {
    return `${DIRECTORY}/${documentId}.${container}`;
  }

  /** Of one that has no file. What cannot be removed now goes with the rest. */
  async dropJournal(record: ResponseRecord): Promise<void> {
    const { render, disk, log } = this.#ports;
    try {
      await render.abandon(record.recordingId);
      await disk.remove(this.journalOf(record));
    } catch (error) {
      const { operationId } = record;
      log.warn({ operationId, error }, 'the journal of a response was not removed');
    }
  }

  /**
   * Removes all that there is of a response: first a row says so, then the bytes go, then the row. Whoever
   * comes after a crash in between goes on.
   */
  async remove(record: ResponseRecord): Promise<void> {
    const { ledger, blobs, disk, clock } = this.#ports;
    if (record.removedAtMs === undefined) {
      const removed = { ...record, removedAtMs: clock.nowMs() };
      await commitFacts(this.#ports, [{ kind: 'response', record: removed }]);
    }
    await blobs.remove(this.blobOf(record));
    await blobs.remove(`${DIRECTORY}/${record.documentId}.peaks.json`);
    await disk.remove(this.journalOf(record));
    await ledger.commit([{ kind: 'response-removed', operationId: record.operationId }]);
  }
}
