import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Ledger, Outbox } from '../core/ports/ledger.ts';
import type { Logger } from '../core/ports/log.ts';

const EVERY_MS = 3_600_000;
/** Far longer than any client repeats a request (the vendor's own time is not published). */
export const REPEATABILITY_MS: number = 24 * 3_600_000;
/** For people who look for what was delivered: `tapedeck events`. */
export const EVENT_HISTORY_MS: number = 30 * 24 * 3_600_000;

/** Who read and deleted what. */
export const AUDIT_MS: number = 365 * 24 * 3_600_000;

/**
 * Removes what nobody asks for any more, every hour: old events with their attempts, stored answers,
 * audit rows.
 */
export class Housekeeping {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #ledger: Pick<Ledger, 'forgetRepeatedBefore' | 'forgetAuditBefore'>;
  readonly #outbox: Pick<Outbox, 'forgetBefore'>;
  #timer: Timer | undefined;
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(ports: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly ledger: Pick<Ledger, 'forgetRepeatedBefore' | 'forgetAuditBefore'>;
    readonly outbox: Pick<Outbox, 'forgetBefore'>;
  }) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#ledger = ports.ledger;
    this.#outbox = ports.outbox;
  }

  start(): void {
    this.#working = this.#clean();
  }

  /** Resolves when what runs is through. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#working;
  }

  async #clean(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    try {
      await this.#ledger.forgetRepeatedBefore(nowMs - REPEATABILITY_MS);
      await this.#ledger.forgetAuditBefore(nowMs - AUDIT_MS);
      await this.#outbox.forgetBefore(nowMs - EVENT_HISTORY_MS);
    } catch (error) {
      this.#log.warn({ error }, 'cleaning the database failed; tried again in an hour');
    }
    if (this.#closed) return;
    this.#timer = this.#clock.setTimer(EVERY_MS, () => {
      this.#working = this.#clean();
    });
  }
}
