import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { RenderFormat } from '../core/ports/render.ts';
import type { ChunkRecord, RecordingRecord } from '../core/records.ts';
import type { AuditTrail } from './audit-trail.ts';
import { chunkRecord } from './chunk-record.ts';
import { isExpired } from './content.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingQueues } from './recording-queues.ts';
import type { Removal } from './removal.ts';
import { RENDER_FORMATS, renderingDirectory, renderingDocumentId } from './rendering-names.ts';

/** Makes other formats and channel layouts of finished recordings, from their journals. */
export class Rerenderer {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #audit: AuditTrail;
  readonly #queues: RecordingQueues;
  readonly #removal: Removal;
  #closed = false;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly audit: AuditTrail;
    readonly queues: RecordingQueues;
    readonly removal: Removal;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#audit = parts.audit;
    this.#queues = parts.queues;
    this.#removal = parts.removal;
  }

  /** Begins none from now on: whoever waits for his turn is refused, and asks again after the next start. */
  close(): void {
    this.#closed = true;
  }

  /** As `RecordingAdmin.renderAgain` says. `recording` is finished. */
  async render(
    { recordingId }: RecordingRecord,
    wanted: RenderFormat,
    actor: string,
  ): Promise<readonly ChunkRecord[]> {
    const format = RENDER_FORMATS.find(
      ({ container, channels }) => container === wanted.container && channels === wanted.channels,
    );
    if (format === undefined) {
      throw new TapedeckError(
        'recording-mode-unsupported',
        `${wanted.container} with ${wanted.channels} channels is not supported.`,
      );
    }
    return this.#queues.run(recordingId, () => this.#render(recordingId, format, actor));
  }

  async #render(
    recordingId: RecordingId,
    format: RenderFormat,
    actor: string,
  ): Promise<readonly ChunkRecord[]> {
    if (this.#closed) throw new TapedeckError('shutting-down', 'The server is stopping.');
    const { ledger, render, clock } = this.#ports;
    const recording = await ledger.recording(recordingId);
    const all = await ledger.chunksOf(recordingId);
    const announced = all.filter((chunk) => chunk.purpose === 'session');
    const [first] = announced;
    if (recording === undefined || first === undefined) {
      throw gone('Nothing was recorded: there is nothing to render.');
    }
    if (this.#isGoing(announced)) {
      throw gone('A file of this recording was deleted or has expired, and its journal with it.');
    }
    const made = all.filter(
      (chunk) =>
        chunk.purpose === 'rendering' &&
        chunk.format.container === format.container &&
        chunk.format.channels === format.channels,
    );
    const isWhole = made.every((chunk) => chunk.deletedAtMs === undefined);
    if (made.length > 0 && isWhole) return made;
    if (recording.journalRemovedAtMs !== undefined) {
      throw gone('The journal of this recording is not kept any more: see --keep-journals.');
    }
    const rendered = await render.finish({
      recordingId,
      journalDirectory: journalDirectory(this.#settings, recording.documentId),
      documentId: renderingDocumentId(recording.documentId, format),
      blobDirectory: renderingDirectory(format),
      plan: { ...recording.plan, format },
    });
    const correlationId = (await ledger.call(recording.serverCallId))?.correlationId ?? '';
    // A removal that began meanwhile waits behind us, and takes what was stored with it.
    if (this.#isGoing(announced)) throw gone('The recording was removed meanwhile.');
    const chunks = rendered.map((chunk) =>
      chunkRecord(chunk, {
        recording,
        purpose: 'rendering',
        format,
        resourceId: this.#settings.resourceId,
        correlationId,
        createdAtMs: clock.nowMs(),
        expiresAtMs: first.expiresAtMs,
      }),
    );
    await commitFacts(this.#ports, [
      ...chunks.map((chunk) => ({ kind: 'chunk', record: chunk }) as const),
      ...chunks.map((chunk) => this.#audit.fact('rendered', chunk, actor)),
    ]);
    return chunks;
  }

  /** One file that goes takes the journal with it, in which its media is. */
  #isGoing(announced: readonly ChunkRecord[]): boolean {
    const nowMs = this.#ports.clock.nowMs();
    return announced.some(
      (chunk) =>
        chunk.deletedAtMs !== undefined ||
        isExpired(chunk, nowMs) ||
        this.#removal.isLosing(chunk.recordingId),
    );
  }
}

function gone(message: string): TapedeckError {
  return new TapedeckError('content-not-found', message);
}
