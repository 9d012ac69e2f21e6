import type { ServerCallId } from '../core/ids.ts';
import type { SignallingSession } from '../core/ports/signalling.ts';
import type { CallPorts } from './context.ts';
import type { Refusal } from './result-code.ts';

/** Last words to phones, for whose answers nobody waits. */
export class Goodbyes {
  readonly #ports: Pick<CallPorts, 'clock' | 'log'>;
  /** Not answered yet. */
  readonly #open = new Set<Promise<unknown>>();

  constructor(ports: Pick<CallPorts, 'clock' | 'log'>) {
    this.#ports = ports;
  }

  say(serverCallId: ServerCallId, session: SignallingSession, sip: Refusal): void {
    const goodbye = session.end(sip).catch((error: unknown) => {
      this.#ports.log.warn({ serverCallId, error }, 'a phone was not told');
    });
    this.#open.add(goodbye);
    void goodbye.then(() => this.#open.delete(goodbye));
  }

  /** Resolves when every phone that was told to go has answered, or after `limitMs`. */
  async answered(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = this.#ports.clock.setTimer(limitMs, resolve);
      void Promise.allSettled(this.#open).then(() => {
        limit.cancel();
        resolve();
      });
    });
  }
}
