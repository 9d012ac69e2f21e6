import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BatchTimes, CallBatch } from './phones.ts';

export type CallersRequest =
  { readonly do: 'call'; readonly batch: CallBatch } | { readonly do: 'close' };

export type CallersReply = {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
};

/** Callers of a bot, in a process of their own. */
export class CallersProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: CallersReply) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: CallersReply) => {
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    child.on('exit', () => {
      for (const settle of this.#pending.values()) settle({ id: 0, error: 'the callers are gone' });
      this.#pending.clear();
    });
  }

  /** @param botUri what they call. */
  static async open(botUri: string): Promise<CallersProcess> {
    const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [botUri]);
    const gone = once(child, 'exit').then(() => {
      throw new Error('the callers did not come up');
    });
    await Promise.race([once(child, 'message'), gone]);
    gone.catch(() => undefined);
    return new CallersProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when all of them have hung up, or were refused. */
  async call(batch: CallBatch): Promise<BatchTimes> {
    return (await this.#ask({ do: 'call', batch })) as BatchTimes;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    await this.#ask({ do: 'close' }).catch(() => undefined);
    await exited;
  }

  #ask(request: CallersRequest): Promise<unknown> {
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
