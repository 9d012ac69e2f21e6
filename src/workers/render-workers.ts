import type { RecordingId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import type { RenderedChunk, RenderJob, RenderPort } from '../core/ports/render.ts';
import type { ExportSettings } from '../storage/azure/create-exports.ts';
import { LastingThread } from './lasting-thread.ts';

export type RenderWorkerData = ExportSettings & {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly blobDirectory: string;
};

type Slot = { readonly thread: LastingThread; readonly recordings: Set<RecordingId> };

/** The render workers: each recording is rendered by one of them, the emptiest when it began. */
export class RenderWorkers implements RenderPort {
  readonly #slots: Slot[];
  readonly #slotOf = new Map<RecordingId, Slot>();
  #closing: Promise<void> | undefined;

  constructor(
    count: number,
    data: RenderWorkerData,
    parts: { readonly clock: Clock; readonly log: Logger; readonly entry?: URL | undefined },
  ) {
    this.#slots = Array.from({ length: count }, () => {
      const recordings = new Set<RecordingId>();
      const thread = new LastingThread({
        ...parts,
        name: 'render',
        data,
        onLost: () => {
          for (const recordingId of [...recordings]) this.#forget(recordingId);
        },
      });
      return { thread, recordings };
    });
  }

  follow(job: RenderJob): Promise<void> {
    return this.#slot(job.recordingId).thread.request('follow', job);
  }

  /** `worker-failed` when the worker dies meanwhile: asked again, another one begins anew. */
  async finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    const { thread } = this.#slot(job.recordingId);
    try {
      return await thread.request<readonly RenderedChunk[]>('finish', job);
    } finally {
      this.#forget(job.recordingId);
    }
  }

  async abandon(recordingId: RecordingId): Promise<void> {
    const slot = this.#slotOf.get(recordingId);
    this.#forget(recordingId);
    await slot?.thread.request('abandon', recordingId);
  }

  /** Writes into a caller's container; see `ContainerPort`. By the worker with the fewest recordings. */
  upload(method: 'put' | 'copy', request: readonly unknown[]): Promise<void> {
    return this.#emptiest().thread.request(method, ...request);
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
    const emptiest = this.#emptiest();
    emptiest.recordings.add(recordingId);
    this.#slotOf.set(recordingId, emptiest);
    return emptiest;
  }

  #emptiest(): Slot {
    const living = this.#slots.filter((slot) => slot.thread.isUp);
    return (living.length > 0 ? living : this.#slots).reduce((best, slot) =>
      slot.recordings.size < best.recordings.size ? slot : best,
    );
  }

  #forget(recordingId: RecordingId): void {
    this.#slotOf.get(recordingId)?.recordings.delete(recordingId);
    this.#slotOf.delete(recordingId);
  }
}
