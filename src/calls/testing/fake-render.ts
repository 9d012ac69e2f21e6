import { chunkDocumentId, type RecordingId } from '../../core/ids.ts';
import type { RenderJob, RenderPort, RenderedChunk } from '../../core/ports/render.ts';
import { Pace } from './pace.ts';

type Chunk = Pick<RenderedChunk, 'ending' | 'durationMs'>;

/** Renders at once what it is told to, and stores it; unless told to fail or to wait. */
export class FakeRender implements RenderPort {
  readonly followed: RenderJob[] = [];
  readonly finished: RenderJob[] = [];
  readonly abandoned: RecordingId[] = [];
  failures = 0;
  /** Of each recording, in order. */
  chunks: readonly Chunk[] = [{ ending: 'session-ended', durationMs: 1_000 }];
  /** Every chunk is in the container when it is finished. */
  isExported = true;
  /** `finish` waits for it before it writes anything. */
  gate: Promise<void> = Promise.resolve();
  participants: RenderedChunk['participants'] = [];
  pauses: RenderedChunk['pauses'] = [];
  /** Of each file; default says which chunk it is. */
  peaks: string | undefined;
  readonly #blobs: Map<string, string>;
  readonly #pace: Pace;

  /** @param blobs where its files appear, by key. */
  constructor(blobs: Map<string, string>, pace: Pace = new Pace()) {
    this.#blobs = blobs;
    this.#pace = pace;
  }

  follow(job: RenderJob): Promise<void> {
    this.followed.push(job);
    return Promise.resolve();
  }

  async finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    this.finished.push(job);
    await this.gate;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('render failed');
    }
    await this.#pace.step();
    const rendered = this.chunks.map((chunk, index) => this.#store(job, chunk, index));
    await this.#pace.step();
    return rendered;
  }

  abandon(recordingId: RecordingId): Promise<void> {
    this.abandoned.push(recordingId);
    return Promise.resolve();
  }

  #store(job: RenderJob, { ending, durationMs }: Chunk, index: number): RenderedChunk {
    const documentId = chunkDocumentId(job.documentId, index);
    const { container, channels } = job.plan.format;
    const blobKey = `${job.blobDirectory}/${documentId}.${container}`;
    const peaksKey = `${job.blobDirectory}/${documentId}.peaks.json`;
    this.#blobs.set(blobKey, `${container} ${channels} of ${job.journalDirectory}`);
    this.#blobs.set(peaksKey, this.peaks ?? `{"length":${index}}`);
    const channelCount = channels === 'unmixed' ? 2 : 1;
    return {
      documentId,
      blobKey,
      peaksKey,
      index,
      ending,
      sizeBytes: 44 + durationMs * 32 * channelCount,
      durationMs,
      startedAtMs: 0,
      sampleRateHz: 16_000,
      bitRate: 256_000 * channelCount,
      channels: channelCount,
      participants: this.participants,
      pauses: this.pauses,
      sha256: '00',
      latePackets: 0,
      tornBytes: 0,
      isExported: job.exportTo !== undefined && this.isExported,
    };
  }
}
