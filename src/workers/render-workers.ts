import type { RecordingId } from '../core/ids.ts';
import type { Logger } from '../core/ports/log.ts';
import type { RenderedChunk, RenderJob, RenderPort } from '../core/ports/render.ts';
import { WorkerThread } from './worker-thread.ts';

export type RenderWorkerData = {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly blobDirectory: string;
};

type Slot = { thread: WorkerThread; readonly recordings: Set<RecordingId> };

/** The render workers: each recording is rendered by one of them, the emptiest when it began. */
export class RenderWorkers implements RenderPort {
  readonly #data: RenderWorkerData;
  readonly #log: Logger;
  readonly #slots: Slot[];
  readonly #slotOf = new Map<RecordingId, Slot>();
  #closing: Promise<void> | undefined;

  constructor(count: number, data: RenderWorkerData, log: Logger) {
    this.#data = data;
    this.#log = log;
    this.#slots = Array.from({ length: count }, () => {
      const slot: Slot = { recordings: new Set(), thread: this.#spawn(() => slot) };
      return slot;
    });
  }

  follow(job: RenderJob): Promise<void> {
    return this.#slot(job.recordingId).thread.request('follow', job);
  }

  /** `worker-failed` when the worker dies meanwhile: asked again, another one begins anew. */
  async finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    const chunks = await this.#slot(job.recordingId).thread.request<readonly RenderedChunk[]>(
      'finish',
      job,
    );
    this.#forget(job.recordingId);
    return chunks;
  }

  async abandon(recordingId: RecordingId): Promise<void> {
    const slot = this.#slotOf.get(recordingId);
    this.#forget(recordingId);
    await slot?.thread.request('abandon', recordingId);
  }

  /** What is being finished is finished first. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#slots.map((slot) => slot.thread.close())).then(
      () => undefined,
    );
    return this.#closing;
  }

  #slot(recordingId: RecordingId): Slot {
    const known = this.#slotOf.get(recordingId);
    if (known !== undefined) return known;
    const emptiest = this.#slots.reduce((best, slot) =>
      slot.recordings.size < best.recordings.size ? slot : best,
    );
    emptiest.recordings.add(recordingId);
    this.#slotOf.set(recordingId, emptiest);
    return emptiest;
  }

  #forget(recordingId: RecordingId): void {
    this.#slotOf.get(recordingId)?.recordings.delete(recordingId);
    this.#slotOf.delete(recordingId);
  }

  #spawn(slotOf: () => Slot): WorkerThread {
    return new WorkerThread({
      name: 'render',
      data: this.#data,
      onLost: (error) => {
        this.#log.error({ error }, 'a render worker died; another takes over');
        const slot = slotOf();
        for (const recordingId of [...slot.recordings]) this.#forget(recordingId);
        if (this.#closing === undefined) slot.thread = this.#spawn(slotOf);
      },
    });
  }
}
