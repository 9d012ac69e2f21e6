import type { DocumentId, RecordingId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import type { BlobStore, BlobWriter } from '../../core/ports/blob-store.ts';
import type { RenderedChunk, RenderJob } from '../../core/ports/render.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { readWav } from '../../media/wav/wav-reader.ts';
import { RenderHost } from '../render-host.ts';
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
const BLOB_KEY = `recordings/${JOB.documentId}.wav`;

/** Blobs in memory: what a blob store promises, and nothing else. */
export class MemoryBlobs implements BlobStore {
  readonly committed: Map<string, Uint8Array> = new Map();
  /** Called before each append; may throw what a store would reject with. */
  beforeAppend: () => void = () => undefined;
  unfinished = 0;
  appendedBytes = 0;

  open(key: string, headerBytes: number): Promise<BlobWriter> {
    let content = new Uint8Array(headerBytes);
    let isOpen = true;
    this.unfinished += 1;
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
  /** 16 kHz. */
  readonly samples: Int16Array;
};

export class RenderSetup {
  readonly disk: SimulatedDisk = new SimulatedDisk();
  readonly blobs: MemoryBlobs = new MemoryBlobs();
  readonly clock: ManualClock = new ManualClock();
  readonly host: RenderHost = new RenderHost({
    disk: this.disk,
    blobs: this.blobs,
    clock: this.clock,
    log: SILENT_LOGGER,
  });

  /** Finishes the job, which must give one file. */
  async finish(): Promise<Rendered> {
    const [chunk] = await this.host.finish(JOB);
    if (chunk === undefined) throw new Error('nothing was rendered');
    return { chunk, ...this.file() };
  }

  file(): { readonly bytes: Uint8Array; readonly samples: Int16Array } {
    const bytes = this.blobs.committed.get(BLOB_KEY);
    const clip = bytes === undefined ? undefined : readWav(bytes, { maxDurationMs: 1e9 });
    if (bytes === undefined || clip?.ok !== true) throw new Error('there is no readable file');
    return { bytes, samples: clip.value.samples };
  }
}

/** Renders a planned journal at once. */
export async function render(plan: Omit<PlannedJournal, 'directory'>): Promise<Rendered> {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, { ...plan, directory: JOURNAL_DIRECTORY });
  return setup.finish();
}
