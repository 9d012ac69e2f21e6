import type { Disk } from '../core/ports/disk.ts';
import type { RenderJob } from '../core/ports/render.ts';
import { JournalReader, type ReadProgress } from '../journal/journal-reader.ts';
import type { ChannelMap } from './channel-map.ts';
import { ChunkCutter } from './chunk-cutter.ts';
import { FILE_RATE_HZ, FileTracks } from './file-tracks.ts';
import { RecordHold } from './record-hold.ts';
import type { RenderScratch } from './render-scratch.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import { samplesOf } from './timeline/constants.ts';
import { Timeline } from './timeline/timeline.ts';

export type PassOptions = {
  readonly disk: Disk;
  readonly scratch: RenderScratch;
  readonly job: RenderJob;
  readonly map: ChannelMap | undefined;
  /** Decisions of the map that it follows. */
  readonly decided: number;
  /** Where its first chunk begins: samples of the file at 8 kHz. */
  readonly start: number;
  /** At 8 kHz. */
  readonly chunkSamples: number;
};

/** One way through the journal, from its start; sound is made from a chunk's beginning on. */
export class RenderPass {
  readonly decided: number;
  readonly timeline: Timeline;
  readonly tracks: FileTracks;
  readonly cutter: ChunkCutter;
  readonly #map: ChannelMap | undefined;
  readonly #reader: JournalReader;
  readonly #records: RecordHold;
  #mostFrames: number;

  private constructor(options: PassOptions, reader: JournalReader) {
    const { scratch, map, decided, start, job } = options;
    this.#mostFrames = framesIn(job.mostMs ?? Infinity);
    this.decided = decided;
    this.#map = map;
    this.#reader = reader;
    this.cutter = new ChunkCutter(start, options.chunkSamples);
    this.tracks = new FileTracks({ scratch, map, decided, start, cutter: this.cutter });
    this.timeline = new Timeline(this.tracks, scratch.span);
    this.#records = new RecordHold(this.timeline, scratch.span.decoders);
  }

  /** Rejects with `journal-invalid` if there is no readable journal. */
  static async open(options: PassOptions): Promise<RenderPass> {
    const { disk, job } = options;
    const reader = await JournalReader.open({ disk, directory: job.journalDirectory });
    return new RenderPass(options, reader);
  }

  /** Wall clock at the journal's start. */
  get startedAtMs(): number {
    return this.#reader.startedAtMs;
  }

  /** As `RenderJob.mostMs`, from now on. False if more was given already. */
  limit(mostMs: number): boolean {
    this.#mostFrames = framesIn(mostMs);
    return this.tracks.frames <= this.#mostFrames;
  }

  /** Renders what the next bytes of the journal let it, into `output`. */
  async step(output: SampleBuffer, maxBytes: number): Promise<ReadProgress['state']> {
    this.tracks.lend(output);
    try {
      const { state } = await this.#reader.readMore(this.#records, { maxBytes });
      await this.#records.release();
      this.tracks.clip(this.#mostFrames);
      return state;
    } finally {
      this.tracks.lend(undefined);
    }
  }

  /** Renders the rest: nothing follows in the journal. Called once. */
  finish(output: SampleBuffer): void {
    this.tracks.lend(output);
    this.timeline.finish();
    this.tracks.finish(this.#fileFrames());
    this.tracks.lend(undefined);
    this.#map?.end();
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.timeline.close();
    return this.#reader.close();
  }

  /** To the sample: from the journal's start to its end, without what was paused and what is not wanted. */
  #fileFrames(): number {
    const { endUs, pauses } = this.timeline;
    const whole = Math.round((endUs * FILE_RATE_HZ) / 1_000_000);
    let frames = whole;
    for (const { fromUs, toUs } of pauses) {
      // One that lasts to the end leaves nothing behind itself, not even half a sample of 8 kHz.
      const behind = toUs >= endUs ? whole : 2 * Math.round(samplesOf(toUs));
      frames -= behind - 2 * Math.round(samplesOf(fromUs));
    }
    return Math.max(0, Math.min(whole, frames, this.#mostFrames));
  }
}

function framesIn(ms: number): number {
  return Math.round((ms * FILE_RATE_HZ) / 1000);
}
