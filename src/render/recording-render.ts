import type { BlobStore } from '../core/ports/blob-store.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { LiveExports } from '../core/ports/export.ts';
import type { RenderJob } from '../core/ports/render.ts';
import type { SerialQueue } from '../core/serial-queue.ts';
import { recoverJournal } from '../journal/recover-journal.ts';
import { ChannelMap, RECOGNITION_SAMPLES } from './channel-map.ts';
import type { ChunkStart } from './chunk-cutter.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import { ChunkPlanner } from './chunk-planner.ts';
import { ChunkWriter, removeChunk } from './chunk-writer.ts';
import { describeChunk, type StoredChunk } from './describe-chunk.ts';
import { encodingOf } from './encodings.ts';
import { RenderPass } from './render-pass.ts';
import type { RenderScratch } from './render-scratch.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { VoiceDetector } from './voice-detector.ts';

/** About 13 s of two streams, or minutes of silence; for each channel of the file less, as it grows. */
const STEP_BYTES = 256 * 1024;
/** After this others have their turn: minutes of a call. */
const TURN_BYTES = 16 * STEP_BYTES;

export type RenderTools = {
  readonly disk: Disk;
  readonly blobs: BlobStore;
  /** Without it nothing is copied to callers' containers. */
  readonly exports?: LiveExports | undefined;
  readonly scratch: RenderScratch;
  readonly newDetector: () => VoiceDetector;
  /** Journals are repaired one after the other: two renderings may be of the same one. */
  readonly recovery: SerialQueue;
};

/** A chunk whose file is not visible yet. */
type OpenChunk = {
  readonly index: number;
  readonly begin: ChunkStart;
  /** Decisions of the channel map that its channels follow. */
  readonly decided: number;
  readonly writer: ChunkWriter;
  /** Where the next one begins; `undefined` while it grows. */
  end: ChunkStart | undefined;
};

/** Where a pass has to begin: at the start of a chunk. */
type Restart = { readonly index: number; readonly start: number; readonly decided: number };

/**
 * One recording on its way from its journal into its files. When somebody begins to speak who has no
 * channel in an unfinished chunk, that chunk is made again from its start, by another pass through
 * the journal. Ends with `finish`, `abort` or `discard`. One call at a time. A call that rejects leaves no
 * unfinished blob; the next one begins again with the chunk that was being made.
 */
export class RecordingRender {
  readonly #tools: RenderTools;
  #job: RenderJob;
  readonly #encoding: FileEncoding;
  readonly #map: ChannelMap | undefined;
  readonly #planner: ChunkPlanner;
  readonly #open: OpenChunk[] = [];
  readonly #stored: StoredChunk[] = [];
  #restart: Restart = { index: 0, start: 0, decided: 0 };
  #pass: RenderPass | undefined;
  #tornBytes = 0;

  private constructor(tools: RenderTools, job: RenderJob) {
    this.#tools = tools;
    this.#job = job;
    this.#encoding = encodingOf(job.plan.format);
    this.#map =
      job.plan.format.channels === 'unmixed'
        ? new ChannelMap(job.plan.channels, tools.newDetector)
        : undefined;
    this.#planner = new ChunkPlanner(job.plan.chunks, this.#encoding, this.#map);
  }

  /** Rejects with `journal-invalid` if there is no readable journal. */
  static async open(tools: RenderTools, job: RenderJob): Promise<RecordingRender> {
    const render = new RecordingRender(tools, job);
    await render.#begin();
    return render;
  }

  /**
   * Renders what the journal holds by now, and stores it; `more` after some megabytes.
   * @param output lent for the time of the call; left empty.
   */
  async advance(output: SampleBuffer): Promise<'more' | 'waiting' | 'ended' | 'damaged'> {
    return this.#guarded(output, async () => {
      for (let readBytes = 0; readBytes < TURN_BYTES; readBytes += STEP_BYTES) {
        const pass = this.#pass ?? (await this.#begin());
        const state = await pass.step(output, STEP_BYTES / pass.tracks.channels);
        const isGood = await this.#store(pass, output, false);
        if (isGood && state !== 'more') return state;
      }
      return 'more';
    });
  }

  /**
   * Renders the rest of a journal that has ended, or whose writer is dead, and makes the files
   * visible. Resolves with nothing for a recording without duration. What was stored before stays,
   * also when it rejects and is called again.
   */
  async finish(output: SampleBuffer): Promise<readonly StoredChunk[]> {
    for (;;) {
      if ((await this.#readAll(output)) !== 'ended') {
        // Its writer died. What is whole was read already, and stays as it is.
        const { disk, recovery } = this.#tools;
        const recovered = await recovery.run(() =>
          recoverJournal(this.#job.journalDirectory, disk),
        );
        this.#tornBytes += recovered.tornBytes;
        await this.#readAll(output);
      }
      const isDone = await this.#guarded(output, async () => {
        const pass = this.#pass ?? (await this.#begin());
        pass.finish(output);
        return this.#store(pass, output, true);
      });
      if (isDone) return this.#stored;
    }
  }

  /** As `RenderJob.mostMs`, which was not known before. False if more is stored already: then it is of no use. */
  limit(mostMs: number): boolean {
    this.#job = { ...this.#job, mostMs };
    return this.#stored.length === 0 && (this.#pass?.limit(mostMs) ?? true);
  }

  /** Resolves when the stored chunks are copied to the caller's container, or could not be. */
  async copied(): Promise<void> {
    await Promise.all(this.#stored.map(({ file }) => file.exported));
  }

  /** Drops unfinished blobs. Idempotent; never rejects, as a sweep removes what is left. */
  async abort(): Promise<void> {
    await this.#dropFrom(0);
    await this.#closePass();
  }

  /** Drops everything that was stored, too. */
  async discard(): Promise<void> {
    await this.abort();
    for (const { file } of this.#stored) await removeChunk(this.#tools.blobs, file);
  }

  async #readAll(output: SampleBuffer): Promise<'waiting' | 'ended' | 'damaged'> {
    for (;;) {
      const state = await this.advance(output);
      if (state !== 'more') return state;
    }
  }

  async #guarded<T>(output: SampleBuffer, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.#restart = this.#oldest();
      await this.abort();
      throw error;
    } finally {
      output.clear();
    }
  }

  async #begin(): Promise<RenderPass> {
    const { start } = this.#restart;
    const decided = this.#planner.decidedFor(start, this.#restart.decided);
    const { disk, scratch } = this.#tools;
    this.#pass = await RenderPass.open({
      disk,
      scratch,
      job: this.#job,
      map: this.#map,
      decided,
      start,
      chunkSamples: this.#planner.samples(decided),
    });
    return this.#pass;
  }

  /**
   * Gives the samples of a step to their chunks.
   * @param isLast nothing follows: all chunks are committed.
   * @returns false if a chunk needs other channels: its pass has to begin again, and is closed.
   */
  async #store(pass: RenderPass, output: SampleBuffer, isLast: boolean): Promise<boolean> {
    try {
      return await this.#give(pass, output, isLast);
    } finally {
      output.clear();
    }
  }

  async #give(pass: RenderPass, output: SampleBuffer, isLast: boolean): Promise<boolean> {
    for (const { index, begin, decided } of this.#open) {
      if (this.#lacksChannels(begin, decided)) return this.#startAgain(index, begin, decided);
    }
    const { tracks, cutter } = pass;
    const { channels } = tracks;
    const end = tracks.frames;
    let frame = end - output.length / channels;
    for (let at = 0; frame < end;) {
      const [next] = cutter.starts;
      if (next !== undefined && frame === 2 * next.start) {
        const index = this.#nextIndex();
        if (this.#lacksChannels(next, pass.decided)) {
          return this.#startAgain(index, next, pass.decided);
        }
        cutter.starts.shift();
        await this.#openChunk(index, next, pass);
        continue;
      }
      const until = next === undefined ? end : Math.min(end, 2 * next.start);
      const to = at + (until - frame) * channels;
      await this.#open.at(-1)?.writer.append(output.samples, at, to);
      at = to;
      frame = until;
    }
    await this.#commitWhole(pass, isLast);
    if (isLast) await this.#closePass();
    return true;
  }

  async #openChunk(index: number, begin: ChunkStart, pass: RenderPass): Promise<void> {
    const before = this.#open.at(-1);
    if (before !== undefined) before.end = begin;
    const writer = await ChunkWriter.open({
      blobs: this.#tools.blobs,
      exports: this.#tools.exports,
      job: this.#job,
      index,
      encoding: this.#encoding,
      channels: pass.tracks.channels,
    });
    this.#open.push({ index, begin, decided: pass.decided, writer, end: undefined });
  }

  /** Commits the chunks that nobody can get a channel in any more. */
  async #commitWhole(pass: RenderPass, isLast: boolean): Promise<void> {
    const settling = this.#map === undefined ? 0 : RECOGNITION_SAMPLES;
    for (;;) {
      const [chunk] = this.#open;
      if (chunk === undefined) return;
      const isSettled = chunk.end !== undefined && pass.tracks.heard >= chunk.end.start + settling;
      if (!isSettled && !isLast) return;
      const file = await chunk.writer.commit();
      this.#open.shift();
      this.#stored.push({
        file,
        described: describeChunk({
          file,
          pass,
          index: chunk.index,
          begin: chunk.begin,
          end: chunk.end,
          limit: this.#planner.limit(chunk.decided),
          channels: this.#planner.channels(chunk.decided),
          channelOf: (participantId) => this.#map?.channelOf(participantId, chunk.decided),
          encoding: this.#encoding,
          tornBytes: this.#tornBytes,
        }),
      });
    }
  }

  #lacksChannels(begin: ChunkStart, decided: number): boolean {
    return this.#planner.decidedFor(begin.start, decided) !== decided;
  }

  async #startAgain(index: number, begin: ChunkStart, decided: number): Promise<false> {
    this.#restart = { index, start: begin.start, decided };
    await this.#dropFrom(index);
    await this.#closePass();
    return false;
  }

  /** Where everything that is not stored begins. */
  #oldest(): Restart {
    const [chunk] = this.#open;
    if (chunk === undefined) return this.#restart;
    return { index: chunk.index, start: chunk.begin.start, decided: chunk.decided };
  }

  #nextIndex(): number {
    return (this.#open.at(-1)?.index ?? this.#stored.length - 1) + 1;
  }

  async #dropFrom(index: number): Promise<void> {
    for (let last = this.#open.at(-1); last !== undefined && last.index >= index;) {
      this.#open.pop();
      await last.writer.abort();
      last = this.#open.at(-1);
    }
  }

  async #closePass(): Promise<void> {
    const pass = this.#pass;
    this.#pass = undefined;
    await pass?.close().catch(() => undefined);
  }
}
