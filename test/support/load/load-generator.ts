import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SecurityPolicy } from '../../../src/core/media-format.ts';
import type { LoadCounts } from './load-phones.ts';

export type LoadRequest =
  | { readonly do: 'place'; readonly from: number; readonly to: number }
  | { readonly do: 'start' }
  | { readonly do: 'stop' }
  | { readonly do: 'reset' }
  | { readonly do: 'counts' }
  | { readonly do: 'sent-at'; readonly call: number }
  | { readonly do: 'began-at' }
  | { readonly do: 'legs-up' }
  | { readonly do: 'hang-up' }
  | { readonly do: 'close' };

export type LoadReply = { readonly id: number; readonly value?: unknown; readonly error?: string };

/**
 * `tones`: each side its own steady tone; `voices`: after two seconds of speech, by which an unmixed
 * recording knows a speaker. `numbers`: the caller says the number of each packet.
 */
export type LoadKind = 'tones' | 'voices' | 'numbers';

/** How a route records. */
export type RouteRecording = {
  readonly channel: 'mixed' | 'unmixed';
  readonly format: 'wav' | 'mp3';
};

/**
 * Routes and trunk of a server that sends the generator's calls back to it.
 * @param record whether the route records, and how if not as by default.
 * @param security of the server's leg to who is called.
 */
export function loadConfiguration(
  sipPort: number,
  record: boolean | RouteRecording,
  security: SecurityPolicy = 'plain',
): Record<string, unknown> {
  return {
    trunks: [
      {
        name: 'load',
        uri: `sip:127.0.0.1:${sipPort}`,
        addresses: ['127.0.0.1'],
        ...(security !== 'plain' && { secure: security }),
      },
    ],
    routes: [
      {
        to: '^1\\d{5}$',
        action: 'trunk',
        trunk: 'load',
        ...(record !== false && { record: record === true ? {} : record }),
      },
    ],
  };
}

/** Two-party calls through a server, from a process of their own. */
export class LoadGenerator {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: LoadReply) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: LoadReply) => {
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    child.on('exit', () => {
      for (const settle of this.#pending.values()) settle({ id: 0, error: 'the generator ended' });
      this.#pending.clear();
    });
  }

  static async open(options: {
    readonly serverUri: string;
    readonly sipPort: number;
    readonly kind: LoadKind;
    /** One call in so many has both ends behind NAT: media comes from where no SDP says. Default none. */
    readonly natEvery?: number;
    /** In which callers speak. Default PCMU, as those who are called. */
    readonly callerCodec?: 'PCMU' | 'opus';
    /** SRTP on both legs. Default plain. */
    readonly isSecure?: boolean;
  }): Promise<LoadGenerator> {
    const child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), [
      options.serverUri,
      String(options.sipPort),
      options.kind,
      String(options.natEvery ?? 0),
      options.callerCodec ?? 'PCMU',
      options.isSecure === true ? 'srtp' : 'plain',
    ]);
    const gone = once(child, 'exit').then(() => {
      throw new Error('the generator did not come up');
    });
    await Promise.race([once(child, 'message'), gone]);
    gone.catch(() => undefined);
    return new LoadGenerator(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when calls `from` to `to` − 1 are up. */
  async place(from: number, to: number): Promise<void> {
    await this.#ask({ do: 'place', from, to });
  }

  /** Begins to send on all legs, those that come later included. */
  async start(): Promise<void> {
    await this.#ask({ do: 'start' });
  }

  /** Sends no more. The calls go on. */
  async stop(): Promise<void> {
    await this.#ask({ do: 'stop' });
  }

  async reset(): Promise<void> {
    await this.#ask({ do: 'reset' });
  }

  async counts(): Promise<LoadCounts> {
    return (await this.#ask({ do: 'counts' })) as LoadCounts;
  }

  /** Wall clock, ms, at which the caller of this call sent packet n (from 0). */
  async sentAtMs(call: number): Promise<readonly number[]> {
    return (await this.#ask({ do: 'sent-at', call })) as readonly number[];
  }

  /** Wall clock, ms, from which both sides of each call, by number, were sending. */
  async beganAtMs(): Promise<readonly number[]> {
    return (await this.#ask({ do: 'began-at' })) as readonly number[];
  }

  /** Legs that have a call: neither side has said BYE yet. */
  async legsUp(): Promise<number> {
    return (await this.#ask({ do: 'legs-up' })) as number;
  }

  async hangUp(): Promise<void> {
    await this.#ask({ do: 'hang-up' });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    await this.#ask({ do: 'close' }).catch(() => undefined);
    await exited;
  }

  #ask(request: LoadRequest): Promise<unknown> {
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
