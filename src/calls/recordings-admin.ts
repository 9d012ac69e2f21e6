import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { RecordingAdmin, RecordingDetails } from '../core/ports/call-service.ts';
import type { AuditRecord, ChunkRecord, RecordingRecord } from '../core/records.ts';
import type { CallPorts } from './context.ts';

/** What people who run the server see of recordings, and do with them. */
export class RecordingsAdmin implements RecordingAdmin {
  readonly #ports: Pick<CallPorts, 'ledger'>;

  constructor(ports: Pick<CallPorts, 'ledger'>) {
    this.#ports = ports;
  }

  renderAgain(): Promise<readonly ChunkRecord[]> {
    return Promise.reject(new TapedeckError('not-supported', 'This is not built yet.'));
  }

  removeRecording(): Promise<void> {
    return Promise.reject(new TapedeckError('not-supported', 'This is not built yet.'));
  }

  async details(recordingId: RecordingId): Promise<RecordingDetails> {
    const { ledger } = this.#ports;
    const record = await ledger.recording(recordingId);
    if (record === undefined) {
      throw new TapedeckError('recording-not-found', 'Recording not found.');
    }
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
}

/** The query of a container's URL grants access to it, so it is not shown. */
function shown(record: RecordingRecord): Pick<RecordingDetails, 'recording' | 'exportTo'> {
  const { exportTo, ...recording } = record;
  if (exportTo === undefined) return { recording, exportTo };
  const url = new URL(exportTo.containerUrl);
  return {
    recording,
    exportTo: { containerUrl: url.origin + url.pathname, folder: exportTo.folder },
  };
}
