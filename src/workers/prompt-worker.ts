import { TapedeckError } from '../core/error.ts';
import type { PlayedClip } from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import { LastingThread } from './lasting-thread.ts';

/** A thread that decodes what is played into calls. It is started when the first prompt is there. */
export class PromptWorker {
  readonly #parts: { readonly clock: Clock; readonly log: Logger };
  #thread: LastingThread | undefined;
  #isClosed = false;

  constructor(parts: { readonly clock: Clock; readonly log: Logger }) {
    this.#parts = parts;
  }

  /** Rejects with `prompt-format`, or `worker-failed` when the thread died of it. */
  decode(bytes: Uint8Array): Promise<PlayedClip> {
    if (this.#isClosed) {
      return Promise.reject(new TapedeckError('shutting-down', 'The server is stopping.'));
    }
    this.#thread ??= new LastingThread({
      ...this.#parts,
      name: 'prompt',
      data: undefined,
      onLost: () => undefined,
    });
    return this.#thread.request<PlayedClip>('decode', bytes);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.close();
  }
}
