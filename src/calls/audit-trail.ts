import type { Fact } from '../core/ports/ledger.ts';
import type { AuditRecord, ChunkRecord } from '../core/records.ts';
import { commitFacts, type CallPorts } from './context.ts';

type Audited = Pick<ChunkRecord, 'documentId' | 'recordingId'>;

/** The ranges of one download are one download. */
const ONE_DOWNLOAD_MS = 60_000;
/** Readers that are remembered, to tell a download's next range from another download. */
const MAX_REMEMBERED = 10_000;
/** Rows on their way to the ledger; beyond it a download waits until its row is there. */
const MAX_PENDING = 256;

/** Who did what with recordings. */
export class AuditTrail {
  readonly #ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'random' | 'log'>;
  /** When a reading was last written down, oldest first. */
  readonly #noted = new Map<string, number>();
  readonly #pending = new Set<Promise<void>>();

  constructor(ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'random' | 'log'>) {
    this.#ports = ports;
  }

  /** For the transaction that makes it true. */
  fact(action: AuditRecord['action'], of: Audited, actor: string): Fact {
    return {
      kind: 'audit',
      record: {
        auditId: this.#ports.random.uuid(),
        atMs: this.#ports.clock.nowMs(),
        action,
        recordingId: of.recordingId,
        documentId: of.documentId,
        actor,
      },
    };
  }

  /**
   * Writes down that somebody reads. Resolves at once: nobody waits for the disk, unless so much is
   * on its way that it would pile up. A row that the ledger refuses is logged in full.
   */
  async read(
    action: Extract<AuditRecord['action'], 'downloaded' | 'metadata-read'>,
    of: Audited,
    actor: string,
  ): Promise<void> {
    if (!this.#isNew(`${action} ${of.documentId} ${actor}`)) return;
    const fact = this.fact(action, of, actor);
    const row = commitFacts(this.#ports, [fact])
      .catch((error: unknown) => {
        this.#ports.log.error({ action, ...of, actor, error }, 'an audit row was not stored');
      })
      .finally(() => {
        this.#pending.delete(row);
      });
    this.#pending.add(row);
    if (this.#pending.size > MAX_PENDING) await row;
  }

  /** Resolves when every row is stored or refused. */
  async idle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #isNew(reading: string): boolean {
    const nowMs = this.#ports.clock.nowMs();
    const notedMs = this.#noted.get(reading);
    if (notedMs !== undefined && nowMs - notedMs < ONE_DOWNLOAD_MS && nowMs >= notedMs)
      return false;
    // Anew, so that the map stays in the order of time.
    this.#noted.delete(reading);
    this.#noted.set(reading, nowMs);
    const [oldest] = this.#noted.keys();
    if (this.#noted.size > MAX_REMEMBERED && oldest !== undefined) this.#noted.delete(oldest);
    return true;
  }
}
