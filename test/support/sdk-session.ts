import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ServerProcess } from './server-process.ts';

/** The SDK generations that every test of the API runs with. */
export const SDK_PACKAGES = [
  '@azure/communication-call-automation',
  'call-automation-1.5.1',
] as const;

/** What an SDK call threw, as far as it crosses a process. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(error: { status?: number; code?: string; message: string }) {
    super(error.message);
    this.status = error.status;
    this.code = error.code;
  }
}

type Reply = {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { status?: number; code?: string; message: string };
};

/** An application that uses the unmodified SDK, in a process of its own (see sdk-session.mjs). */
export class SdkSession {
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
        settle({ id: 0, error: { message: 'the application ended' } });
      }
    });
  }

  static async open(server: ServerProcess, packageName: string): Promise<SdkSession> {
    const child = fork(
      new URL('sdk-session.mjs', import.meta.url),
      [packageName, server.ready.connectionString],
      { env: { ...process.env, ...server.clientEnvironment } },
    );
    await once(child, 'message');
    return new SdkSession(child);
  }

  /** Calls an operation of sdk-session.mjs; rejects with `SdkError`. */
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
