import { AuditTrail } from './audit-trail.ts';
import { StoredContent } from './content.ts';
import type { CallPorts, CallSettings } from './context.ts';
import { Exporter } from './exporter.ts';
import type { Finisher } from './finisher.ts';
import { RecordingQueues } from './recording-queues.ts';
import { RecordingsAdmin } from './recordings-admin.ts';
import { Removal } from './removal.ts';
import { Rerenderer } from './rerenderer.ts';
import { Retention } from './retention.ts';

/** Recordings from their announcement to the end of their retention. */
export class Archive {
  readonly content: StoredContent;
  readonly admin: RecordingsAdmin;
  readonly #exporter: Exporter;
  readonly #rerenderer: Rerenderer;
  readonly #retention: Retention;
  readonly #audit: AuditTrail;
  readonly #queues: RecordingQueues = new RecordingQueues();

  constructor(ports: CallPorts, settings: CallSettings, finisher: Finisher) {
    this.#audit = new AuditTrail(ports);
    const parts = { ports, settings, audit: this.#audit, queues: this.#queues };
    const removal = new Removal(parts);
    this.content = new StoredContent({ ports, removal, audit: this.#audit });
    removal.onRemoved = (documentId) => {
      this.content.forget(documentId);
    };
    this.#rerenderer = new Rerenderer({ ...parts, removal });
    this.admin = new RecordingsAdmin({ ports, removal, rerenderer: this.#rerenderer });
    this.#retention = new Retention({ ...parts, removal });
    this.#exporter = new Exporter(ports, this.#queues);
    finisher.onExportWaiting = (record) => {
      this.#exporter.add(record);
    };
  }

  /** Goes on with what an earlier process left: exports, removals, what has expired meanwhile. */
  async start(): Promise<void> {
    await this.#exporter.start();
    this.#retention.start();
  }

  /** Resolves when what is being done is done. Idempotent. */
  async close(): Promise<void> {
    this.#rerenderer.close();
    await Promise.all([this.#exporter.close(), this.#retention.close()]);
    await this.#queues.idle();
    await this.#audit.idle();
    this.content.close();
  }
}
