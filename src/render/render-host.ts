import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { BlobStore } from '../core/ports/blob-store.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { LiveExports } from '../core/ports/export.ts';
import type { Logger } from '../core/ports/log.ts';
import type { RenderedChunk, RenderJob, RenderPort } from '../core/ports/render.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import { VoiceActivity } from '../media/voice/voice-activity.ts';
import type { StoredChunk } from './describe-chunk.ts';
import { OutputPool } from './output-pool.ts';
import { RecordingRender, type RenderTools } from './recording-render.ts';
import { makeRenderScratch } from './render-scratch.ts';
import type { VoiceDetector } from './voice-detector.ts';

export type RenderHostOptions = {
  readonly disk: Disk;
  readonly blobs: BlobStore;
  /** The way to callers' containers; without it nothing is copied there. */
  readonly exports?: LiveExports | undefined;
  /** Tells when somebody speaks. Default: by voice activity. */
  readonly newDetector?: (() => VoiceDetector) | undefined;
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

type Repeats = { left: number };

type Followed = {
  readonly job: RenderJob;
  readonly queue: SerialQueue;
  /** `undefined` if it could not even be opened: `finish` tries again. */
  render: RecordingRender | undefined;
  timer: Timer | undefined;
  isOver: boolean;
};

type Finishing = {
  readonly recordingId: RecordingId;
  readonly chunks: Promise<readonly RenderedChunk[]>;
};

/** A recording may be rendered in several ways at a time: each has files of its own. */
function keyOf(job: RenderJob): string {
  return `${job.blobDirectory}/${job.documentId}`;
}

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
  readonly #followed = new Map<string, Followed>();
  readonly #finishing = new Map<string, Finishing>();
  #taken = 0;

  constructor(options: RenderHostOptions) {
    const { disk, blobs, exports, clock, log } = options;
    const newDetector = options.newDetector ?? (() => new VoiceActivity());
    this.#tools = {
      disk,
      blobs,
      exports,
      scratch: makeRenderScratch(),
      newDetector,
      recovery: new SerialQueue(),
    };
    this.#clock = clock;
    this.#log = log;
    this.#intervalMs = options.followIntervalMs ?? DEFAULT_FOLLOW_INTERVAL_MS;
    this.#outputs = new OutputPool(options.concurrency ?? DEFAULT_CONCURRENCY);
  }

  async follow(job: RenderJob): Promise<void> {
    const key = keyOf(job);
    if (this.#followed.has(key)) return;
    const queue = new SerialQueue();
    const entry: Followed = { job, queue, render: undefined, timer: undefined, isOver: false };
    this.#followed.set(key, entry);
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
    const key = keyOf(job);
    const running = this.#finishing.get(key);
    if (running !== undefined) return running.chunks;
    const chunks = this.#finish(job).finally(() => {
      this.#finishing.delete(key);
    });
    this.#finishing.set(key, { recordingId: job.recordingId, chunks });
    return chunks;
  }

  async abandon(recordingId: RecordingId): Promise<void> {
    const finishing = [...this.#finishing.values()].filter(
      (each) => each.recordingId === recordingId,
    );
    await Promise.allSettled(finishing.map(({ chunks }) => chunks));
    for (const [key, { job }] of [...this.#followed]) {
      if (job.recordingId !== recordingId) continue;
      const render = await this.#stopFollowing(key);
      await render?.discard();
    }
  }

  /** Ends trailing and drops unfinished blobs; what is being finished is waited for. Idempotent. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#finishing.values()].map(({ chunks }) => chunks));
    await Promise.all(
      [...this.#followed.keys()].map(async (key) => {
        const render = await this.#stopFollowing(key);
        await render?.abort();
      }),
    );
  }

  async #finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    const trailing = await this.#trailingFor(job);
    const render = trailing ?? (await RecordingRender.open(this.#tools, job));
    const repeats = { left: 1 };
    try {
      if (trailing === undefined) await this.#catchUp(job, render, repeats);
      const stored = await this.#outputs.lend('first', (output) =>
        this.#repeating(job, repeats, () => render.finish(output)),
      );
      // Containers may be slow; others can use the buffer meanwhile.
      return await Promise.all(stored.map(exportedChunk));
    } catch (error) {
      // Whoever tries again copies to the same places.
      await render.copied();
      throw error;
    } finally {
      // Does nothing to blobs that are whole and visible.
      await render.abort();
    }
  }

  /**
   * For a job that was not trailed (a finished recording in another format, or one that a crash left):
   * hours of work, which is done in turns, behind all that somebody waits for.
   */
  async #catchUp(job: RenderJob, render: RecordingRender, repeats: Repeats): Promise<void> {
    for (let isMore = true; isMore;) {
      isMore = await this.#outputs.lend(
        'last',
        async (output) =>
          (await this.#repeating(job, repeats, () => render.advance(output))) === 'more',
      );
    }
  }

  /** Once for each job: a medium that gave back other bytes is given them again. */
  async #repeating<T>(job: RenderJob, repeats: Repeats, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      const isMismatch = error instanceof TapedeckError && error.code === 'blob-mismatch';
      if (!isMismatch || repeats.left === 0) throw error;
      repeats.left -= 1;
      const { recordingId } = job;
      this.#log.warn({ recordingId, error }, 'stored bytes differ; rendering them once more');
      return await task();
    }
  }

  /** What trailed the journal, if the file can still end where the job wants. */
  async #trailingFor(job: RenderJob): Promise<RecordingRender | undefined> {
    const trailing = await this.#stopFollowing(keyOf(job));
    if (job.mostMs === undefined || trailing?.limit(job.mostMs) !== false) return trailing;
    await trailing.abort();
    return undefined;
  }

  /** Takes the rendering out of the host's hands once its last step is over. */
  async #stopFollowing(key: string): Promise<RecordingRender | undefined> {
    const entry = this.#followed.get(key);
    if (entry === undefined) return undefined;
    this.#followed.delete(key);
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
    if (render === undefined) return;
    try {
      let state: Awaited<ReturnType<RecordingRender['advance']>> = 'more';
      // Others have their turn in between.
      while (state === 'more' && !entry.isOver) {
        state = await this.#outputs.lend('last', (output) => render.advance(output));
      }
      if (state === 'waiting') this.#schedule(entry, this.#intervalMs);
    } catch (error) {
      this.#giveUpTrailing(entry, error);
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

async function exportedChunk({ file, described }: StoredChunk): Promise<RenderedChunk> {
  return { ...described, isExported: await file.exported };
}
