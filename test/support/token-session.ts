import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { SdkError } from './sdk-session.ts';
import type { ServerProcess } from './server-process.ts';

type Reply = {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly status?: number; readonly code?: string; readonly message: string };
};

/** A program with credentials of @azure/identity, in a process of its own (see token-session.mjs). */
export class TokenSession {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: Reply) => {
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    child.on('exit', () => {
      for (const settle of this.#pending.values()) {
        settle({ id: 0, error: { message: 'the program ended' } });
      }
    });
  }

  static async open(server: ServerProcess): Promise<TokenSession> {
    const child = fork(new URL('token-session.mjs', import.meta.url), {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ready.caFile ?? '' },
    });
    await once(child, 'message');
    return new TokenSession(child);
  }

  /** Calls an operation of token-session.mjs; rejects with `SdkError`. */
  call<T = unknown>(operation: string, ...args: readonly unknown[]): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, (reply) => {
        if (reply.error === undefined) resolve(reply.value as T);
        else reject(new SdkError(reply.error));
      });
      this.#child.send({ id, operation, args });
    });
  }

  close(): void {
    this.#child.disconnect();
  }
}
