import { TapedeckError } from '../core/error.ts';
import type { DocumentId } from '../core/ids.ts';
import type { OpenContent, RecordingContent } from '../core/ports/call-service.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { ChunkRecord } from '../core/records.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from './context.ts';

const SWEEP_EVERY_MS = 60_000;
/** Looked up at once; a sweep goes on until nothing is left. */
const SWEEP_LIMIT = 100;

/** Stored files: reading, deleting, and the end of their retention. */
export class StoredContent implements RecordingContent {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  /** Being removed: nobody else reads or removes them. */
  readonly #removing = new Set<DocumentId>();
  #sweep: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(ports: CallPorts, settings: CallSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Begins to remove what has expired, now and every minute. */
  start(): void {
    this.#sweeping = this.#expire();
  }

  /** Resolves when the sweep that runs is through. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    await this.#sweeping;
  }

  async open(documentId: DocumentId): Promise<OpenContent> {
    const chunk = await this.#present(documentId);
    const mediaType = chunk.format.container === 'mp3' ? 'audio/mpeg' : 'audio/wav';
    return this.#open(documentId, chunk.blobKey, mediaType);
  }

  async peaks(documentId: DocumentId): Promise<OpenContent> {
    const chunk = await this.#present(documentId);
    return this.#open(documentId, chunk.peaksKey, 'application/json');
  }

  async #open(documentId: DocumentId, key: string, mediaType: string): Promise<OpenContent> {
    const reader = await this.#ports.blobs.read(key);
    if (reader === undefined) {
      this.#ports.log.error({ documentId, key }, 'a stored recording file is missing');
      throw notFound();
    }
    return {
      sizeBytes: reader.sizeBytes,
      mediaType,
      range: (start, end) => reader.range(start, end),
      close: () => reader.close(),
    };
  }

  async metadata(documentId: DocumentId): Promise<string> {
    return (await this.#present(documentId)).metadata;
  }

  async remove(documentId: DocumentId): Promise<void> {
    await this.#remove(await this.#present(documentId));
  }

  async #present(documentId: DocumentId): Promise<ChunkRecord> {
    const chunk = await this.#ports.ledger.chunk(documentId);
    const nowMs = this.#ports.clock.nowMs();
    if (chunk === undefined || chunk.deletedAtMs !== undefined || this.#removing.has(documentId)) {
      throw notFound();
    }
    if (chunk.expiresAtMs !== undefined && chunk.expiresAtMs <= nowMs) {
      throw new TapedeckError('content-not-found', 'Recording content expired.');
    }
    return chunk;
  }

  /** Bytes first: a row that says "deleted" must not leave them behind. */
  async #remove(chunk: ChunkRecord): Promise<void> {
    this.#removing.add(chunk.documentId);
    try {
      await this.#ports.blobs.remove(chunk.blobKey);
      const recording = await this.#ports.ledger.recording(chunk.recordingId);
      if (recording !== undefined) {
        await this.#ports.disk.remove(journalDirectory(this.#settings, recording.documentId));
      }
      await commitFacts(this.#ports, [
        { kind: 'chunk', record: { ...chunk, deletedAtMs: this.#ports.clock.nowMs() } },
      ]);
    } finally {
      this.#removing.delete(chunk.documentId);
    }
  }

  async #expire(): Promise<void> {
    try {
      let isMore = true;
      while (isMore && !this.#closed) isMore = await this.#expireSome();
    } catch (error) {
      this.#ports.log.error({ error }, 'removing expired recordings failed; tried again later');
    }
    if (this.#closed) return;
    this.#sweep = this.#ports.clock.setTimer(SWEEP_EVERY_MS, () => {
      this.#sweeping = this.#expire();
    });
  }

  /** Whether there may be more that can be removed now. */
  async #expireSome(): Promise<boolean> {
    const nowMs = this.#ports.clock.nowMs();
    const expired = await this.#ports.ledger.expiredChunks(nowMs, SWEEP_LIMIT);
    let removed = 0;
    for (const chunk of expired) {
      const { documentId } = chunk;
      if (this.#removing.has(documentId)) continue;
      try {
        await this.#remove(chunk);
        removed += 1;
        this.#ports.log.info({ documentId }, 'recording expired and removed');
      } catch (error) {
        // One that cannot be removed keeps none of the others.
        this.#ports.log.error({ documentId, error }, 'an expired recording could not be removed');
      }
    }
    return expired.length === SWEEP_LIMIT && removed > 0;
  }
}

function notFound(): TapedeckError {
  return new TapedeckError('content-not-found', 'Recording content not found.');
}
