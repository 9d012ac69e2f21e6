import { TapedeckError } from '../core/error.ts';
import type { PlayedClip } from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import { WorkerThread } from './worker-thread.ts';

/** An hour of MP3 takes 50 s of a free core; what takes much longer is no file but a trap. */
const DECODE_DEADLINE_MS = 120_000;

export type PromptWorkerParts = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs instead of the worker's own module. */
  readonly entry?: URL;
};

/**
 * A thread that decodes what is played into calls, one file after the other. It is started when the
 * first file is there, and anew when it died of one or did not come to an end with it.
 */
export class PromptWorker {
  readonly #parts: PromptWorkerParts;
  #thread: WorkerThread | undefined;
  /** Settles, always well, when the files before are done with. */
  #before: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(parts: PromptWorkerParts) {
    this.#parts = parts;
  }

  /** Rejects with `prompt-format`, also for what takes too long, or `worker-failed` when the thread died of it. */
  decode(bytes: Uint8Array): Promise<PlayedClip> {
    const decoding = this.#before.then(() => this.#decode(bytes));
    this.#before = decoding.catch(() => undefined);
    return decoding;
  }

  /** Ends what is being decoded too. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.kill();
  }

  async #decode(bytes: Uint8Array): Promise<PlayedClip> {
    if (this.#isClosed) throw new TapedeckError('shutting-down', 'The server is stopping.');
    this.#thread ??= this.#start();
    const thread = this.#thread;
    const late = Promise.withResolvers<never>();
    const timer = this.#parts.clock.setTimer(DECODE_DEADLINE_MS, () => {
      late.reject(
        new TapedeckError(
          'prompt-format',
          `The file could not be decoded within ${DECODE_DEADLINE_MS / 1000} s.`,
        ),
      );
      this.#parts.log.warn({ bytes: bytes.length }, 'a prompt was not decoded in time');
      void this.#replace(thread);
    });
    try {
      return await Promise.race([thread.request<PlayedClip>('decode', bytes), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #start(): WorkerThread {
    const thread: WorkerThread = new WorkerThread({
      name: 'prompt',
      entry: this.#parts.entry,
      data: undefined,
      onLost: (error) => {
        this.#parts.log.error({ worker: 'prompt', error }, 'a worker died; another takes over');
        if (this.#thread === thread) this.#thread = undefined;
      },
    });
    return thread;
  }

  async #replace(thread: WorkerThread): Promise<void> {
    if (this.#thread === thread) this.#thread = undefined;
    await thread.kill();
  }
}
