import type { DocumentId, RecordingId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import type { BlobStore, BlobWriter } from '../../core/ports/blob-store.ts';
import type { RenderedChunk, RenderJob, RenderPlan } from '../../core/ports/render.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { readWav } from '../../media/wav/wav-reader.ts';
import { EnergyDetector } from './energy-detector.ts';
import { RenderHost, type RenderHostOptions } from '../render-host.ts';
import { generateJournal, type PlannedJournal } from './journal-generator.ts';

export const JOURNAL_DIRECTORY = '/journals/one';

export const JOB: RenderJob = {
  recordingId: 'generated' as RecordingId,
  journalDirectory: JOURNAL_DIRECTORY,
  documentId: '0-td-1-0' as DocumentId,
  blobDirectory: 'recordings',
  plan: {
    format: { container: 'wav', channels: 'mixed' },
    channels: { limit: 5, pinned: [], overflow: 'leave-out' },
    chunks: { durationMs: 14_400_000, sizeBytes: 4_000_000_000 },
  },
};

/** The plan of one file per channel and participant, for a call of any length. */
export const UNMIXED_JOB: RenderJob = jobWith({
  format: { container: 'wav', channels: 'unmixed' },
});

/** The usual job with another plan. */
export function jobWith(plan: Partial<RenderPlan>, base: RenderJob = JOB): RenderJob {
  return { ...base, plan: { ...base.plan, ...plan } };
}

/** Blobs in memory: what a blob store promises, and nothing else. */
export class MemoryBlobs implements BlobStore {
  readonly committed: Map<string, Uint8Array> = new Map();
  /** Keys in the order in which they were begun. */
  readonly opened: string[] = [];
  /** Called before each append; may throw what a store would reject with. */
  beforeAppend: () => void = () => undefined;
  unfinished = 0;
  appendedBytes = 0;

  open(key: string, headerBytes: number): Promise<BlobWriter> {
    let content = new Uint8Array(headerBytes);
    let isOpen = true;
    this.unfinished += 1;
    this.opened.push(key);
    const close = (): void => {
      if (isOpen) this.unfinished -= 1;
      isOpen = false;
    };
    return Promise.resolve({
      append: async (bytes) => {
        await Promise.resolve();
        this.beforeAppend();
        this.appendedBytes += bytes.length;
        const grown = new Uint8Array(content.length + bytes.length);
        grown.set(content);
        grown.set(bytes, content.length);
        content = grown;
      },
      writeHeader: (bytes) => {
        content.set(bytes);
        return Promise.resolve();
      },
      commit: () => {
        this.committed.set(key, content);
        close();
        return Promise.resolve({ sizeBytes: content.length });
      },
      abort: () => {
        close();
        return Promise.resolve();
      },
    });
  }

  read(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  readUnfinished(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  remove(key: string): Promise<void> {
    this.committed.delete(key);
    return Promise.resolve();
  }
}

export type Rendered = {
  readonly chunk: RenderedChunk;
  readonly bytes: Uint8Array;
  /** 16 kHz, channels interleaved. */
  readonly samples: Int16Array;
  /** 16 kHz. */
  readonly channels: readonly Int16Array[];
};

export class RenderSetup {
  readonly disk: SimulatedDisk = new SimulatedDisk();
  readonly blobs: MemoryBlobs = new MemoryBlobs();
  readonly clock: ManualClock = new ManualClock();
  readonly host: RenderHost;

  constructor(options: Partial<RenderHostOptions> = {}) {
    this.host = new RenderHost({
      disk: this.disk,
      blobs: this.blobs,
      clock: this.clock,
      log: SILENT_LOGGER,
      newDetector: () => new EnergyDetector(),
      ...options,
    });
  }

  /** Finishes a job that must give one file. */
  async finish(job: RenderJob = JOB): Promise<Rendered> {
    const [rendered, ...more] = await this.finishAll(job);
    if (rendered === undefined || more.length > 0) throw new Error('there is not one file');
    return rendered;
  }

  async finishAll(job: RenderJob): Promise<readonly Rendered[]> {
    const chunks = await this.host.finish(job);
    return chunks.map((chunk) => ({ chunk, ...this.file(chunk.blobKey) }));
  }

  file(blobKey: string): Omit<Rendered, 'chunk'> {
    const bytes = this.blobs.committed.get(blobKey);
    const clip =
      bytes === undefined ? undefined : readWav(bytes, { maxDurationMs: 1e9, maxChannels: 32 });
    if (bytes === undefined || clip?.ok !== true) throw new Error('there is no readable file');
    const { samples, channels: count } = clip.value;
    const channels = Array.from({ length: count }, (_, channel) =>
      Int16Array.from(
        { length: samples.length / count },
        (__, at) => samples[at * count + channel] ?? 0,
      ),
    );
    return { bytes, samples, channels };
  }
}

/** Renders a planned journal at once, into one file. */
export async function render(
  plan: Omit<PlannedJournal, 'directory'>,
  job: RenderJob = JOB,
): Promise<Rendered> {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, { ...plan, directory: JOURNAL_DIRECTORY });
  return setup.finish(job);
}

/** Renders a planned journal at once, into as many chunks as it gives. */
export async function renderAll(
  plan: Omit<PlannedJournal, 'directory'>,
  job: RenderJob,
  options: Partial<RenderHostOptions> = {},
): Promise<readonly Rendered[]> {
  const setup = new RenderSetup(options);
  await generateJournal(setup.disk, { ...plan, directory: JOURNAL_DIRECTORY });
  return setup.finishAll(job);
}
