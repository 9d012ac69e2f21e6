import type { RecordingId } from '../core/ids.ts';
import { SerialQueue } from '../core/serial-queue.ts';

/** What is done to the files of a finished recording happens one after the other. */
export class RecordingQueues {
  readonly #queues = new Map<RecordingId, { readonly queue: SerialQueue; waiting: number }>();

  async run<T>(recordingId: RecordingId, task: () => Promise<T>): Promise<T> {
    const entry = this.#queues.get(recordingId) ?? { queue: new SerialQueue(), waiting: 0 };
    this.#queues.set(recordingId, entry);
    entry.waiting += 1;
    try {
      return await entry.queue.run(task);
    } finally {
      entry.waiting -= 1;
      if (entry.waiting === 0) this.#queues.delete(recordingId);
    }
  }

  /** Resolves when everything handed in so far is done. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.idle()));
  }
}
