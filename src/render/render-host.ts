import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { BlobStore } from '../core/ports/blob-store.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { Logger } from '../core/ports/log.ts';
import type { RenderedChunk, RenderJob, RenderPort } from '../core/ports/render.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import { OutputPool } from './output-pool.ts';
import { RecordingRender, type RenderTools } from './recording-render.ts';
import { makeTimelineScratch } from './timeline/timeline.ts';

export type RenderHostOptions = {
  readonly disk: Disk;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Pause between two looks at a journal, in milliseconds. Default 4000: a look costs more than
   * the samples of a second, and those of five are made in two milliseconds when the call ends.
   */
  readonly followIntervalMs?: number;
  /** Recordings that are worked on at a time; each holds a buffer of samples meanwhile. Default 3. */
  readonly concurrency?: number;
};

const DEFAULT_FOLLOW_INTERVAL_MS = 4000;
const DEFAULT_CONCURRENCY = 3;
/** Multiples of the golden ratio spread any number of recordings evenly over the interval. */
const STAGGER = 0.618_034;

type Followed = {
  readonly job: RenderJob;
  readonly queue: SerialQueue;
  /** `undefined` after a failure: `finish` begins again from the journal. */
  render: RecordingRender | undefined;
  timer: Timer | undefined;
  isOver: boolean;
};

/**
 * Renders the recordings of one render worker: trails their journals while calls are on, so that
 * only the last seconds are left when one ends. A failure while trailing is logged and costs time
 * only: the journal is the recording.
 */
export class RenderHost implements RenderPort {
  readonly #tools: RenderTools;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #outputs: OutputPool;
  readonly #followed = new Map<RecordingId, Followed>();
  readonly #finishing = new Map<RecordingId, Promise<readonly RenderedChunk[]>>();
  #taken = 0;

  constructor(options: RenderHostOptions) {
    const { disk, blobs, clock, log } = options;
    this.#tools = { disk, blobs, scratch: makeTimelineScratch() };
    this.#clock = clock;
    this.#log = log;
    this.#intervalMs = options.followIntervalMs ?? DEFAULT_FOLLOW_INTERVAL_MS;
    this.#outputs = new OutputPool(options.concurrency ?? DEFAULT_CONCURRENCY);
  }

  async follow(job: RenderJob): Promise<void> {
    if (this.#followed.has(job.recordingId)) return;
    const queue = new SerialQueue();
    const entry: Followed = { job, queue, render: undefined, timer: undefined, isOver: false };
    this.#followed.set(job.recordingId, entry);
    const firstMs = ((this.#taken * STAGGER) % 1) * this.#intervalMs;
    this.#taken += 1;
    await queue.run(async () => {
      try {
        entry.render = await RecordingRender.open(this.#tools, job);
        this.#schedule(entry, firstMs);
      } catch (error) {
        this.#giveUpTrailing(entry, error);
      }
    });
  }

  finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    const running = this.#finishing.get(job.recordingId);
    if (running !== undefined) return running;
    const finishing = this.#finish(job).finally(() => {
      this.#finishing.delete(job.recordingId);
    });
    this.#finishing.set(job.recordingId, finishing);
    return finishing;
  }

  async abandon(recordingId: RecordingId): Promise<void> {
    await this.#finishing.get(recordingId)?.catch(() => undefined);
    const render = await this.#stopFollowing(recordingId);
    await render?.abort();
  }

  /** Ends trailing and drops unfinished blobs; what is being finished is waited for. Idempotent. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#finishing.values());
    await Promise.all([...this.#followed.keys()].map((id) => this.abandon(id)));
  }

  async #finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    const trailing = await this.#stopFollowing(job.recordingId);
    try {
      return await this.#finishOne(job, trailing);
    } catch (error) {
      if (!(error instanceof TapedeckError) || error.code !== 'blob-mismatch') throw error;
      const { recordingId } = job;
      this.#log.warn({ recordingId, error }, 'stored samples differ; rendering once more');
      return await this.#finishOne(job, undefined);
    }
  }

  async #finishOne(
    job: RenderJob,
    trailing: RecordingRender | undefined,
  ): Promise<readonly RenderedChunk[]> {
    return this.#outputs.lend('first', async (output) => {
      const render = trailing ?? (await RecordingRender.open(this.#tools, job));
      try {
        const chunk = await render.finish(output);
        return chunk === undefined ? [] : [chunk];
      } finally {
        // Does nothing to a blob that is whole and visible.
        await render.abort();
      }
    });
  }

  /** Takes the rendering out of the host's hands once its last step is over. */
  async #stopFollowing(recordingId: RecordingId): Promise<RecordingRender | undefined> {
    const entry = this.#followed.get(recordingId);
    if (entry === undefined) return undefined;
    this.#followed.delete(recordingId);
    entry.isOver = true;
    entry.timer?.cancel();
    await entry.queue.idle();
    return entry.render;
  }

  #schedule(entry: Followed, delayMs: number): void {
    if (entry.isOver) return;
    entry.timer = this.#clock.setTimer(delayMs, () => {
      void entry.queue.run(() => this.#trail(entry));
    });
  }

  async #trail(entry: Followed): Promise<void> {
    const { render } = entry;
    if (render === undefined || entry.isOver) return;
    try {
      const state = await this.#outputs.lend('last', (output) => render.advance(output));
      if (state === 'waiting') this.#schedule(entry, this.#intervalMs);
    } catch (error) {
      entry.render = undefined;
      this.#giveUpTrailing(entry, error);
      await render.abort();
    }
  }

  #giveUpTrailing(entry: Followed, error: unknown): void {
    const { recordingId } = entry.job;
    this.#log.warn(
      { recordingId, error },
      'trailing the journal failed; the file is made when the recording ends',
    );
  }
}
