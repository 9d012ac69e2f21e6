import type { Timer } from '../../core/ports/clock.ts';
import type { ResponseRecord } from '../../core/records.ts';
import type { CallPorts, ResponseSettings } from '../context.ts';
import type { ResponseFiles } from './response-files.ts';

const SWEEP_EVERY_MS = 60_000;
const SHORTEST_SWEEP_MS = 1_000;
/** Looked up at once; a sweep goes on until nothing is left. */
const SWEEP_LIMIT = 100;

/** Removes responses some time after their calls, now and then, and completes removals. */
export class ResponseRetention {
  readonly #ports: Pick<CallPorts, 'ledger' | 'clock' | 'log'>;
  readonly #graceMs: number;
  readonly #files: Pick<ResponseFiles, 'remove'>;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(
    ports: Pick<CallPorts, 'ledger' | 'clock' | 'log'>,
    { graceMs }: ResponseSettings,
    files: Pick<ResponseFiles, 'remove'>,
  ) {
    this.#ports = ports;
    this.#graceMs = graceMs;
    this.#files = files;
  }

  start(): void {
    this.#sweeping = this.#sweep();
  }

  /** Resolves when the sweep that runs is through. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { ledger, clock, log } = this.#ports;
    try {
      for (let isMore = true; isMore && !this.#isClosed;) {
        const found = await ledger.expiredResponses(clock.nowMs() - this.#graceMs, SWEEP_LIMIT);
        let removed = 0;
        for (const record of found) removed += await this.#remove(record);
        isMore = found.length === SWEEP_LIMIT && removed > 0;
      }
    } catch (error) {
      log.error({ error }, 'removing responses failed; tried again later');
    }
    if (this.#isClosed) return;
    const everyMs = Math.min(SWEEP_EVERY_MS, Math.max(SHORTEST_SWEEP_MS, this.#graceMs));
    this.#timer = clock.setTimer(everyMs, () => {
      this.#sweeping = this.#sweep();
    });
  }

  /** How many went: one that cannot be removed keeps none of the others. */
  async #remove(record: ResponseRecord): Promise<0 | 1> {
    const { operationId } = record;
    try {
      await this.#files.remove(record);
      this.#ports.log.info({ operationId }, 'response removed');
      return 1;
    } catch (error) {
      this.#ports.log.error({ operationId, error }, 'a response could not be removed now');
      return 0;
    }
  }
}
