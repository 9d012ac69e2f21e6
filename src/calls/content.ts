import { TapedeckError } from '../core/error.ts';
import type { DocumentId } from '../core/ids.ts';
import type { BlobReader } from '../core/ports/blob-store.ts';
import type { OpenContent, RecordingContent } from '../core/ports/call-service.ts';
import type { ChunkRecord } from '../core/records.ts';
import type { AuditTrail } from './audit-trail.ts';
import { mediaTypeOf } from './chunk-record.ts';
import type { CallPorts } from './context.ts';
import { RecentFiles, type FileLease } from './recent-files.ts';
import { contentNotFound, type Removal } from './removal.ts';

/** Stored files: reading and deleting them. */
export class StoredContent implements RecordingContent {
  readonly #ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'log'>;
  readonly #removal: Removal;
  readonly #audit: AuditTrail;
  readonly #recent: RecentFiles;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'log'>;
    readonly removal: Removal;
    readonly audit: AuditTrail;
  }) {
    this.#ports = parts.ports;
    this.#removal = parts.removal;
    this.#audit = parts.audit;
    this.#recent = new RecentFiles(parts.ports.clock, parts.ports.log);
  }

  async open(documentId: DocumentId, actor: string): Promise<OpenContent> {
    const lease = await this.#recent.take(documentId, async () => {
      const chunk = await this.#present(documentId);
      return { chunk, reader: await this.#read(chunk, chunk.blobKey) };
    });
    const { chunk, reader } = lease;
    try {
      // The row may be as old as the download.
      this.#refuseIfGone(chunk);
      await this.#audit.read('downloaded', chunk, actor);
    } catch (error) {
      lease.release();
      throw error;
    }
    return {
      sizeBytes: reader.sizeBytes,
      mediaType: mediaTypeOf(chunk.format),
      range: (start, end) => this.#lend(lease, start, end),
      close: () => {
        lease.release();
        return Promise.resolve();
      },
    };
  }

  /** What is said of this document from now on is read anew: it is removed. */
  forget(documentId: DocumentId): void {
    this.#recent.forget(documentId);
  }

  /** Closes files that downloads have left open. */
  close(): void {
    this.#recent.close();
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
    const reader = await this.#read(chunk, chunk.peaksKey);
    return {
      sizeBytes: reader.sizeBytes,
      mediaType: 'application/json',
      range: (start, end) => reader.lend(start, end),
      close: () => reader.close(),
    };
  }

  async remove(documentId: DocumentId, actor: string): Promise<void> {
    const chunk = await this.#present(documentId);
    const removed = await this.#removal.remove(chunk.recordingId, [chunk], {
      action: 'deleted',
      actor,
    });
    if (removed === 0) throw contentNotFound();
  }

  async #read(chunk: ChunkRecord, key: string): Promise<BlobReader> {
    const reader = await this.#ports.blobs.read(key);
    if (reader === undefined) {
      // Deleted since its row was read: that is told as it is, and is no defect.
      const { documentId } = await this.#present(chunk.documentId);
      this.#ports.log.error({ documentId, key }, 'a stored recording file is missing');
      throw contentNotFound();
    }
    return reader;
  }

  async *#lend(lease: FileLease, start: number, end: number): AsyncIterable<Uint8Array> {
    try {
      yield* lease.reader.lend(start, end);
    } catch (error) {
      // Whoever asks again has it opened anew.
      this.#recent.forget(lease.chunk.documentId);
      throw error;
    }
  }

  async #present(documentId: DocumentId): Promise<ChunkRecord> {
    const chunk = await this.#ports.ledger.chunk(documentId);
    if (chunk === undefined) throw contentNotFound();
    this.#refuseIfGone(chunk);
    return chunk;
  }

  #refuseIfGone(chunk: ChunkRecord): void {
    if (chunk.deletedAtMs !== undefined || this.#removal.isLeaving(chunk)) throw contentNotFound();
    if (isExpired(chunk, this.#ports.clock.nowMs())) {
      throw new TapedeckError('content-not-found', 'Recording content expired.');
    }
  }
}

export function isExpired({ expiresAtMs }: ChunkRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}
