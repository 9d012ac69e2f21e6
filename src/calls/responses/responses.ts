import type { DocumentId } from '../../core/ids.ts';
import type { OpenContent } from '../../core/ports/call-service.ts';
import type {
  RecordResponse,
  ResponseContent,
  ResponseRecorder,
  ResponseStatus,
} from '../../core/ports/response-recorder.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts, CallSettings } from '../context.ts';
import type { FreeSpace } from '../free-space.ts';
import type { CallMediaOperations } from '../media-operations/media-operations.ts';
import { StoredResponses } from './response-content.ts';
import { ResponseFiles } from './response-files.ts';
import { CallResponses } from './response-recorder.ts';
import { recoverResponses } from './response-recovery.ts';
import { ResponseRetention } from './response-retention.ts';

/** Responses: recording them, giving them out, and letting them go. */
export class Responses implements ResponseRecorder, ResponseContent {
  readonly #ports: CallPorts;
  readonly #files: ResponseFiles;
  readonly #recorder: CallResponses;
  readonly #content: StoredResponses;
  readonly #retention: ResponseRetention;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly connections: Pick<Connections, 'established'>;
    readonly operations: Pick<CallMediaOperations, 'submit'>;
    readonly space: FreeSpace;
  }) {
    const { ports, settings } = parts;
    const files = new ResponseFiles(ports, settings);
    this.#ports = ports;
    this.#files = files;
    this.#recorder = new CallResponses({ ...parts, files });
    this.#content = new StoredResponses(ports, settings.responses, files);
    this.#retention = new ResponseRetention(ports, settings.responses, files);
  }

  recordResponse(command: RecordResponse): Promise<void> {
    return this.#recorder.recordResponse(command);
  }

  response(operationId: string): Promise<ResponseStatus | undefined> {
    return this.#recorder.response(operationId);
  }

  removeResponse(documentId: DocumentId, accessToken: string): Promise<void> {
    return this.#content.removeResponse(documentId, accessToken);
  }

  openResponse(documentId: DocumentId, accessToken: string): Promise<OpenContent> {
    return this.#content.openResponse(documentId, accessToken);
  }

  /** As `recoverResponses`. */
  recover(): ReturnType<typeof recoverResponses> {
    return recoverResponses(this.#ports, this.#files);
  }

  /** After the recovery: removes what has expired, and goes on doing so. */
  start(): void {
    this.#retention.start();
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#retention.close();
  }
}
