import { createHash } from 'node:crypto';
import type { BlobStore, BlobWriter } from '../core/ports/blob-store.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { RenderedChunk, RenderJob } from '../core/ports/render.ts';
import { JournalReader, type ReadProgress } from '../journal/journal-reader.ts';
import { recoverJournal } from '../journal/recover-journal.ts';
import { wavHeader, WAV_HEADER_BYTES } from '../media/wav/wav-header.ts';
import { FILE_RATE_HZ, MixedTrack } from './mixed-track.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import { samplesOf } from './timeline/constants.ts';
import { Timeline, type TimelineScratch } from './timeline/timeline.ts';

const FORMAT = { sampleRateHz: FILE_RATE_HZ, channels: 1 } as const;
const BYTES_PER_SAMPLE = 2;
/** About 13 s of two streams, or minutes of silence. */
const STEP_BYTES = 256 * 1024;

export type RenderTools = {
  readonly disk: Disk;
  readonly blobs: BlobStore;
  /** Working memory of all renderings of a thread: what runs between two awaits needs it only then. */
  readonly scratch: TimelineScratch;
};

/**
 * One recording on its way from its journal into a file. Owns the journal's reader and the blob's
 * writer; ends with `finish` or `abort`. One call at a time.
 */
export class RecordingRender {
  readonly #job: RenderJob;
  readonly #disk: Disk;
  readonly #reader: JournalReader;
  readonly #writer: BlobWriter;
  readonly #track: MixedTrack;
  readonly #timeline: Timeline;
  readonly #hash = createHash('sha256');

  private constructor(
    tools: RenderTools,
    job: RenderJob,
    reader: JournalReader,
    writer: BlobWriter,
  ) {
    this.#job = job;
    this.#disk = tools.disk;
    this.#reader = reader;
    this.#writer = writer;
    this.#track = new MixedTrack();
    this.#timeline = new Timeline(this.#track, tools.scratch);
  }

  /** Rejects with `journal-invalid` if there is no readable journal, or as the blob store does. */
  static async open(tools: RenderTools, job: RenderJob): Promise<RecordingRender> {
    const { disk, blobs } = tools;
    const reader = await JournalReader.open({ disk, directory: job.journalDirectory });
    try {
      const writer = await blobs.open(blobKeyOf(job), WAV_HEADER_BYTES);
      return new RecordingRender(tools, job, reader, writer);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /**
   * Renders what the journal holds by now, and stores it.
   * @param output lent for the time of the call; left empty.
   */
  async advance(output: SampleBuffer): Promise<ReadProgress['state']> {
    this.#track.lend(output);
    try {
      for (;;) {
        const { state } = await this.#reader.readMore(this.#timeline, { maxBytes: STEP_BYTES });
        await this.#store(output);
        if (state !== 'more') return state;
      }
    } finally {
      this.#track.lend(undefined);
      output.clear();
    }
  }

  /**
   * Renders the rest of a journal that has ended, or whose writer is dead, and makes the file
   * visible. Resolves with nothing for a recording without duration; its blob is dropped then.
   */
  async finish(output: SampleBuffer): Promise<RenderedChunk | undefined> {
    let tornBytes = 0;
    if ((await this.advance(output)) !== 'ended') {
      // Its writer died. What is whole was read already, and stays as it is.
      ({ tornBytes } = await recoverJournal(this.#job.journalDirectory, this.#disk));
      await this.advance(output);
    }
    this.#track.lend(output);
    try {
      this.#timeline.finish();
      this.#track.finish(this.#fileSamples());
      await this.#store(output);
    } finally {
      this.#track.lend(undefined);
      output.clear();
    }
    await this.#reader.close();
    if (this.#track.samples === 0) {
      await this.#writer.abort();
      return undefined;
    }
    await this.#writer.writeHeader(wavHeader(FORMAT, this.#track.samples * BYTES_PER_SAMPLE));
    const { sizeBytes } = await this.#writer.commit();
    return this.#chunk(sizeBytes, tornBytes);
  }

  /** Drops the unfinished blob. Idempotent; never rejects, as a sweep removes what is left. */
  async abort(): Promise<void> {
    await this.#reader.close().catch(() => undefined);
    await this.#writer.abort().catch(() => undefined);
  }

  async #store(output: SampleBuffer): Promise<void> {
    if (output.length === 0) return;
    const bytes = output.bytes();
    this.#hash.update(bytes);
    await this.#writer.append(bytes);
    output.clear();
  }

  /** To the sample: from the journal's start to its end, without what was paused. */
  #fileSamples(): number {
    const perSample = FILE_RATE_HZ / 1_000_000;
    let samples = Math.round(this.#timeline.endUs * perSample);
    for (const { fromUs, toUs } of this.#timeline.pauses) {
      samples -= 2 * (Math.round(samplesOf(toUs)) - Math.round(samplesOf(fromUs)));
    }
    return Math.max(0, samples);
  }

  #chunk(sizeBytes: number, tornBytes: number): RenderedChunk {
    const startedAtMs = this.#reader.startedAtMs;
    const timeline = this.#timeline;
    return {
      documentId: this.#job.documentId,
      blobKey: blobKeyOf(this.#job),
      peaksKey: '',
      index: 0,
      ending: 'session-ended',
      sizeBytes,
      durationMs: (this.#track.samples * 1000) / FILE_RATE_HZ,
      startedAtMs,
      sampleRateHz: FILE_RATE_HZ,
      bitRate: FILE_RATE_HZ * BYTES_PER_SAMPLE * 8,
      channels: FORMAT.channels,
      participants: timeline.participants.map((participantId) => ({ participantId })),
      pauses: timeline.pauses.map(({ fromUs, toUs }) => ({
        startedAtMs: startedAtMs + fromUs / 1000,
        durationMs: (toUs - fromUs) / 1000,
      })),
      sha256: this.#hash.digest('hex'),
      latePackets: timeline.latePackets,
      tornBytes,
      isExported: false,
    };
  }
}

function blobKeyOf(job: RenderJob): string {
  return `${job.blobDirectory}/${job.documentId}.${job.plan.format.container}`;
}
