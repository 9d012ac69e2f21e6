import type { Timer } from '../core/ports/clock.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { commitFacts, type CallPorts } from './context.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/**
 * Commits what has happened already and cannot be refused: an end, a leaving, a stored file. A
 * ledger that does not take it (a full disk) is asked again until it does.
 */
export class InsistentCommit {
  readonly #ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'log'>;
  /** Those that wait for their next attempt. */
  readonly #waiting = new Map<() => void, Timer>();
  #gaveUp = false;

  constructor(ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'log'>) {
    this.#ports = ports;
  }

  /** Resolves when the facts are durable; rejects after `giveUp` only, with the ledger's error. */
  async commit(facts: readonly Fact[]): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
      try {
        await commitFacts(this.#ports, facts);
        return;
      } catch (error) {
        if (this.#gaveUp) throw error;
        this.#ports.log.error(
          { error, retryMs },
          'the database did not take what happened; it will be asked again',
        );
        await this.#pause(retryMs);
      }
    }
  }

  /** What waits is tried once more, and then a refusal is final: the recovery of the next start repairs it. */
  giveUp(): void {
    this.#gaveUp = true;
    for (const [proceed, timer] of this.#waiting) {
      timer.cancel();
      proceed();
    }
    this.#waiting.clear();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#ports.clock.setTimer(delayMs, () => {
        this.#waiting.delete(resolve);
        resolve();
      });
      this.#waiting.set(resolve, timer);
    });
  }
}
