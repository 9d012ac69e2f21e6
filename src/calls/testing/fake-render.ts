import type { RenderJob, RenderPort, RenderedChunk } from '../../core/ports/render.ts';

/** Renders at once, one chunk a recording, unless told to fail. */
export class FakeRender implements RenderPort {
  readonly followed: RenderJob[] = [];
  readonly finished: RenderJob[] = [];
  failures = 0;
  durationMs = 1_000;

  follow(job: RenderJob): Promise<void> {
    this.followed.push(job);
    return Promise.resolve();
  }

  finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    this.finished.push(job);
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('render failed'));
    }
    if (this.durationMs === 0) return Promise.resolve([]);
    return Promise.resolve([
      {
        documentId: job.documentId,
        blobKey: `${job.blobDirectory}/${job.documentId}.${job.plan.format.container}`,
        peaksKey: `${job.blobDirectory}/${job.documentId}.peaks.json`,
        index: 0,
        ending: 'session-ended',
        sizeBytes: 44 + this.durationMs * 32,
        durationMs: this.durationMs,
        startedAtMs: 0,
        sampleRateHz: 16_000,
        bitRate: 256_000,
        channels: 1,
        participants: [],
        pauses: [],
        sha256: '00',
        latePackets: 0,
        tornBytes: 0,
        isExported: job.exportTo !== undefined,
      },
    ]);
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}
