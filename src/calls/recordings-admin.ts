import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { RecordingAdmin, RecordingDetails } from '../core/ports/call-service.ts';
import type { RenderFormat } from '../core/ports/render.ts';
import type { AuditRecord, ChunkRecord, RecordingRecord } from '../core/records.ts';
import type { CallPorts } from './context.ts';
import { withoutSecret } from './export-target.ts';
import { contentNotFound, type Removal } from './removal.ts';
import type { Rerenderer } from './rerenderer.ts';

/** What people who run the server see of recordings, and do with them. */
export class RecordingsAdmin implements RecordingAdmin {
  readonly #ports: Pick<CallPorts, 'ledger'>;
  readonly #removal: Removal;
  readonly #rerenderer: Rerenderer;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'ledger'>;
    readonly removal: Removal;
    readonly rerenderer: Rerenderer;
  }) {
    this.#ports = parts.ports;
    this.#removal = parts.removal;
    this.#rerenderer = parts.rerenderer;
  }

  async renderAgain(
    recordingId: RecordingId,
    format: RenderFormat,
    actor: string,
  ): Promise<readonly ChunkRecord[]> {
    return this.#rerenderer.render(await this.#finished(recordingId), format, actor);
  }

  async removeRecording(recordingId: RecordingId, actor: string): Promise<void> {
    await this.#finished(recordingId);
    const chunks = await this.#ports.ledger.chunksOf(recordingId);
    const why = { action: 'deleted', actor } as const;
    if ((await this.#removal.remove(recordingId, chunks, why)) === 0) throw contentNotFound();
  }

  async details(recordingId: RecordingId): Promise<RecordingDetails> {
    const { ledger } = this.#ports;
    const record = await this.#known(recordingId);
    const [chunks, exports] = await Promise.all([
      ledger.chunksOf(recordingId),
      ledger.exportsOf(recordingId),
    ]);
    return {
      ...shown(record),
      chunks: chunks.filter((chunk) => chunk.purpose === 'session'),
      renderings: chunks.filter((chunk) => chunk.purpose === 'rendering'),
      exports,
    };
  }

  audit(page: {
    readonly limit: number;
    readonly before?: number;
  }): Promise<readonly AuditRecord[]> {
    return this.#ports.ledger.audit(page);
  }

  async #known(recordingId: RecordingId): Promise<RecordingRecord> {
    const record = await this.#ports.ledger.recording(recordingId);
    if (record !== undefined) return record;
    throw new TapedeckError('recording-not-found', 'Recording not found.');
  }

  /** Its files are stored and announced. */
  async #finished(recordingId: RecordingId): Promise<RecordingRecord> {
    const record = await this.#known(recordingId);
    if (record.state === 'done') return record;
    throw new TapedeckError('recording-conflict', 'The recording is not finished yet.');
  }
}

/** The query of a container's URL grants access to it, so it is not shown. */
function shown(record: RecordingRecord): Pick<RecordingDetails, 'recording' | 'exportTo'> {
  const { exportTo, ...recording } = record;
  return { recording, exportTo: exportTo && withoutSecret(exportTo) };
}
