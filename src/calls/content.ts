import { TapedeckError } from '../core/error.ts';
import type { DocumentId } from '../core/ids.ts';
import type { OpenContent, RecordingContent } from '../core/ports/call-service.ts';
import type { ChunkRecord } from '../core/records.ts';
import type { AuditTrail } from './audit-trail.ts';
import { mediaTypeOf } from './chunk-record.ts';
import type { CallPorts } from './context.ts';
import { contentNotFound, type Removal } from './removal.ts';

/** Stored files: reading and deleting them. */
export class StoredContent implements RecordingContent {
  readonly #ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'log'>;
  readonly #removal: Removal;
  readonly #audit: AuditTrail;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'log'>;
    readonly removal: Removal;
    readonly audit: AuditTrail;
  }) {
    this.#ports = parts.ports;
    this.#removal = parts.removal;
    this.#audit = parts.audit;
  }

  async open(documentId: DocumentId, actor: string): Promise<OpenContent> {
    const chunk = await this.#present(documentId);
    const content = await this.#open(chunk, chunk.blobKey, mediaTypeOf(chunk.format));
    await this.#audit.read('downloaded', chunk, actor);
    return content;
  }

  async metadata(documentId: DocumentId, actor: string): Promise<string> {
    const chunk = await this.#present(documentId);
    await this.#audit.read('metadata-read', chunk, actor);
    return chunk.metadata;
  }

  async peaks(documentId: DocumentId): Promise<OpenContent> {
    const chunk = await this.#present(documentId);
    // Recordings of the first version have none.
    if (chunk.peaksKey === '') throw contentNotFound();
    return this.#open(chunk, chunk.peaksKey, 'application/json');
  }

  async remove(documentId: DocumentId, actor: string): Promise<void> {
    const chunk = await this.#present(documentId);
    const removed = await this.#removal.remove(chunk.recordingId, [chunk], {
      action: 'deleted',
      actor,
    });
    if (removed === 0) throw contentNotFound();
  }

  async #open(chunk: ChunkRecord, key: string, mediaType: string): Promise<OpenContent> {
    const reader = await this.#ports.blobs.read(key);
    if (reader === undefined) {
      // Deleted since its row was read: that is told as it is, and is no defect.
      const { documentId } = await this.#present(chunk.documentId);
      this.#ports.log.error({ documentId, key }, 'a stored recording file is missing');
      throw contentNotFound();
    }
    return {
      sizeBytes: reader.sizeBytes,
      mediaType,
      range: (start, end) => reader.lend(start, end),
      close: () => reader.close(),
    };
  }

  async #present(documentId: DocumentId): Promise<ChunkRecord> {
    const chunk = await this.#ports.ledger.chunk(documentId);
    if (chunk === undefined || chunk.deletedAtMs !== undefined || this.#removal.isLeaving(chunk)) {
      throw contentNotFound();
    }
    if (isExpired(chunk, this.#ports.clock.nowMs())) {
      throw new TapedeckError('content-not-found', 'Recording content expired.');
    }
    return chunk;
  }
}

export function isExpired({ expiresAtMs }: ChunkRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}
