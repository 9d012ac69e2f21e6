import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AudioFormat } from '../../../src/core/media-format.ts';
import type { ConferenceCounts } from './phones.ts';

export type ConferenceRequest =
  | { readonly do: 'begin'; readonly participants: number }
  | { readonly do: 'joined' }
  | { readonly do: 'reset' }
  | { readonly do: 'counts' }
  | { readonly do: 'close' };

export type ConferenceReply = {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
};

/** The phones of conferences, in a process of their own. */
export class ConferenceGenerator {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: ConferenceReply) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: ConferenceReply) => {
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    child.on('exit', () => {
      for (const settle of this.#pending.values()) settle({ id: 0, error: 'the phones are gone' });
      this.#pending.clear();
    });
  }

  static async open(sipPort: number, format: AudioFormat): Promise<ConferenceGenerator> {
    const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [
      String(sipPort),
      JSON.stringify(format),
    ]);
    const gone = once(child, 'exit').then(() => {
      throw new Error('the phones did not come up');
    });
    await Promise.race([once(child, 'message'), gone]);
    gone.catch(() => undefined);
    return new ConferenceGenerator(child);
  }

  /** Phones of another call wait for being called; those of the last one are gone. */
  async begin(participants: number): Promise<void> {
    await this.#ask({ do: 'begin', participants });
  }

  async joined(): Promise<number> {
    return (await this.#ask({ do: 'joined' })) as number;
  }

  /** Counts begin again. */
  async reset(): Promise<void> {
    await this.#ask({ do: 'reset' });
  }

  async counts(): Promise<ConferenceCounts> {
    return (await this.#ask({ do: 'counts' })) as ConferenceCounts;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    await this.#ask({ do: 'close' }).catch(() => undefined);
    await exited;
  }

  #ask(request: ConferenceRequest): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, (reply) => {
        if (reply.error === undefined) resolve(reply.value);
        else reject(new Error(reply.error));
      });
      this.#child.send({ id, request });
    });
  }
}
