import { TapedeckError } from '../../core/error.ts';
import type { DocumentId } from '../../core/ids.ts';
import type { OpenContent } from '../../core/ports/call-service.ts';
import type { ResponseContent } from '../../core/ports/response-recorder.ts';
import type { ResponseRecord } from '../../core/records.ts';
import type { CallPorts, ResponseSettings } from '../context.ts';
import { contentNotFound } from '../removal.ts';
import type { ResponseFiles } from './response-files.ts';

/** Whatever it is: clients take the bytes as they are, and the documented type is this. */
const MEDIA_TYPE = 'application/octet-stream';

/** Stored responses, for whoever has their tokens. */
export class StoredResponses implements ResponseContent {
  readonly #ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'responseTokens'>;
  readonly #settings: ResponseSettings;
  readonly #files: ResponseFiles;

  constructor(
    ports: Pick<CallPorts, 'ledger' | 'blobs' | 'clock' | 'responseTokens'>,
    settings: ResponseSettings,
    files: ResponseFiles,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#files = files;
  }

  async openResponse(documentId: DocumentId, accessToken: string): Promise<OpenContent> {
    const record = await this.#find(documentId, accessToken);
    const reader = await this.#ports.blobs.read(this.#files.blobOf(record));
    if (reader === undefined) throw contentNotFound();
    return {
      sizeBytes: reader.sizeBytes,
      mediaType: MEDIA_TYPE,
      range: (start, end) => reader.lend(start, end),
      close: () => reader.close(),
    };
  }

  async removeResponse(documentId: DocumentId, accessToken: string): Promise<void> {
    await this.#files.remove(await this.#find(documentId, accessToken));
  }

  async #find(documentId: DocumentId, accessToken: string): Promise<ResponseRecord> {
    // Before anything is looked up: a wrong token learns nothing.
    if (!this.#ports.responseTokens.isTokenOf(documentId, accessToken)) {
      throw new TapedeckError('signature-invalid', 'The token is not of this recording.');
    }
    const record = await this.#ports.ledger.responseWith(documentId);
    if (record?.completion?.recording === undefined || (await this.#isGone(record))) {
      throw contentNotFound();
    }
    return record;
  }

  /** Its time is over, also when it is still on the disk. */
  async #isGone({ removedAtMs, isKept, serverCallId }: ResponseRecord): Promise<boolean> {
    if (removedAtMs !== undefined) return true;
    if (isKept) return false;
    const call = await this.#ports.ledger.call(serverCallId);
    if (call?.endedAtMs === undefined) return false;
    return call.endedAtMs + this.#settings.graceMs <= this.#ports.clock.nowMs();
  }
}
