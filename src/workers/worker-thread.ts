import { Worker } from 'node:worker_threads';
import { TapedeckError } from '../core/error.ts';
import type { MessageEnd } from '../core/ports/worker-channel.ts';
import { ChannelClient } from './channel.ts';

export type WorkerName = 'database' | 'media' | 'prompt' | 'render';

export type WorkerThreadOptions = {
  readonly name: WorkerName;
  /** Runs instead of the worker's own module. */
  readonly entry?: URL | undefined;
  /** What the entry reads as `workerData`. */
  readonly data: unknown;
  readonly onEvent?: (name: string, args: readonly unknown[]) => void;
  /** Called once when the thread has ended without `close`; requests that waited are rejected. */
  readonly onLost: (error: TapedeckError) => void;
};

/**
 * Three semi-spaces of 1 MiB instead of V8's 16. Hot paths allocate next to nothing, so larger ones
 * would only hold garbage for longer.
 */
const YOUNG_GENERATION_MIB = 3;

/** A worker that stands still does not hold up the end of the process for longer. */
const CLOSE_DEADLINE_MS = 30_000;

/** Name of the request that every worker answers last: it lets go of its resources. */
export const CLOSE_REQUEST = 'close';

/** A worker thread and the caller's end of its channel. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #client: ChannelClient;
  readonly #exited: Promise<void>;
  #isGone = false;
  #closing: Promise<void> | undefined;

  constructor(options: WorkerThreadOptions) {
    // The same file is `.ts` in a checkout and `.js` in a build.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const own = new URL(`./${options.name}-entry.${extension}`, import.meta.url);
    this.#worker = new Worker(options.entry ?? own, {
      workerData: options.data,
      name: `tapedeck-${options.name}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    this.#client = new ChannelClient(workerEnd(this.#worker), options.onEvent);
    let failure: unknown;
    this.#worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#isGone = true;
        resolve();
        const error = new TapedeckError(
          'worker-failed',
          `the ${options.name} worker ended with code ${code}`,
          failure === undefined ? {} : { cause: failure },
        );
        this.#client.fail(error.message);
        if (this.#closing === undefined) options.onLost(error);
      });
    });
  }

  request<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.#client.request<T>(method, ...args);
  }

  /** As `ChannelClient.requestWith`. */
  requestWith<T>(
    transfer: readonly ArrayBuffer[],
    method: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    return this.#client.requestWith<T>(transfer, method, ...args);
  }

  /** Lets the worker close its resources, then ends the thread. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Ends the thread at once, whatever it is at: for one that holds nothing. What waits for it is
   * rejected with `worker-failed`. Idempotent.
   */
  kill(): Promise<void> {
    this.#closing ??= this.#worker.terminate().then(() => this.#exited);
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#isGone) return;
    const deadline = setTimeout(() => {
      this.#client.fail(`the worker did not close within ${CLOSE_DEADLINE_MS} ms`);
    }, CLOSE_DEADLINE_MS);
    try {
      await this.#client.request<undefined>(CLOSE_REQUEST);
    } finally {
      clearTimeout(deadline);
      await this.#worker.terminate();
      await this.#exited;
    }
  }
}

function workerEnd(worker: Worker): MessageEnd {
  return {
    postMessage: (message, transfer) => {
      worker.postMessage(message, transfer);
    },
    on: (event, listener) => {
      worker.on(event, listener);
    },
    close: () => undefined,
  };
}
