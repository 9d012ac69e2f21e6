import { createHash } from 'node:crypto';
import { exportFileName } from '../core/export-file-name.ts';
import { chunkDocumentId, type DocumentId } from '../core/ids.ts';
import type { BlobStore, BlobWriter } from '../core/ports/blob-store.ts';
import type { LiveExport, LiveExports } from '../core/ports/export.ts';
import type { RenderJob } from '../core/ports/render.ts';
import { WaveformPeaks } from '../media/peaks/waveform-peaks.ts';
import type { ChunkEncoder, FileEncoding } from './chunk-encoder.ts';
import { FILE_RATE_HZ } from './file-tracks.ts';

export type ChunkWriterOptions = {
  readonly blobs: BlobStore;
  /** Ignored if the job is not exported. */
  readonly exports: LiveExports | undefined;
  readonly job: RenderJob;
  readonly index: number;
  readonly encoding: FileEncoding;
  readonly channels: number;
};

/** What was made of a chunk. */
export type ChunkFile = {
  readonly documentId: DocumentId;
  readonly blobKey: string;
  readonly peaksKey: string;
  readonly sizeBytes: number;
  readonly frames: number;
  readonly sha256: string;
  /** Never rejects. */
  readonly exported: Promise<boolean>;
};

/** The file of one chunk while it grows, with its peaks and its copy; ends with `commit` or `abort`. */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  readonly #documentId: DocumentId;
  readonly #encoder: ChunkEncoder;
  readonly #blob: BlobWriter;
  readonly #export: LiveExport | undefined;
  readonly #peaks: WaveformPeaks;
  readonly #hash = createHash('sha256');
  #sizeBytes: number;
  #samples = 0;

  private constructor(
    options: ChunkWriterOptions,
    encoder: ChunkEncoder,
    blob: BlobWriter,
    begun: LiveExport | undefined,
  ) {
    this.#options = options;
    this.#documentId = documentOf(options);
    this.#encoder = encoder;
    this.#blob = blob;
    this.#export = begun;
    this.#peaks = new WaveformPeaks(options.channels, FILE_RATE_HZ);
    this.#sizeBytes = encoder.headerBytes;
  }

  /** Rejects as the blob store does. */
  static async open(options: ChunkWriterOptions): Promise<ChunkWriter> {
    const { blobs, exports, job, encoding, index } = options;
    const encoder = await encoding.begin(options.channels);
    let blob: BlobWriter | undefined;
    try {
      const documentId = documentOf(options);
      const blobKey = mediaKeyOf(job, documentId);
      blob = await blobs.open(blobKey, encoder.headerBytes);
      const begun =
        job.exportTo === undefined
          ? undefined
          : exports?.begin({
              target: job.exportTo,
              fileName: exportFileName(index, documentId, job.plan.format.container),
              mediaType: encoding.mediaType,
              blobKey,
              headerBytes: encoder.headerBytes,
            });
      return new ChunkWriter(options, encoder, blob, begun);
    } catch (error) {
      encoder.close();
      await blob?.abort().catch(() => undefined);
      throw error;
    }
  }

  /** Interleaved samples `from…to` (excluded), whole frames. Rejects as `BlobWriter.append` does. */
  async append(samples: Int16Array, from: number, to: number): Promise<void> {
    this.#samples += to - from;
    this.#peaks.process(samples, from, to);
    await this.#store(this.#encoder.encode(samples, from, to));
  }

  /** Makes the file visible. Rejects as the blob store does; `abort` is still needed then. */
  async commit(): Promise<ChunkFile> {
    const { job, blobs } = this.#options;
    const peaksKey = peaksKeyOf(job, this.#documentId);
    // Both end before anything else is done: a second try writes under the same keys.
    const [media, peaks] = await Promise.allSettled([
      this.#commitMedia(),
      storeAtOnce(blobs, peaksKey, Buffer.from(this.#peaks.toJson())),
    ]);
    if (media.status === 'rejected') throw media.reason;
    if (peaks.status === 'rejected') throw peaks.reason;
    return {
      documentId: this.#documentId,
      blobKey: mediaKeyOf(job, this.#documentId),
      peaksKey,
      sizeBytes: media.value,
      frames: this.#samples / this.#options.channels,
      sha256: this.#hash.digest('hex'),
      exported: this.#export?.finish() ?? Promise.resolve(false),
    };
  }

  /** Drops the unfinished file. Idempotent; never rejects, as a sweep removes what is left. */
  async abort(): Promise<void> {
    this.#encoder.close();
    await this.#export?.abort().catch(() => undefined);
    await this.#blob.abort().catch(() => undefined);
  }

  async #commitMedia(): Promise<number> {
    await this.#store(this.#encoder.finish());
    await this.#blob.writeHeader(this.#encoder.header());
    const { sizeBytes } = await this.#blob.commit();
    this.#encoder.close();
    return sizeBytes;
  }

  async #store(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    await this.#blob.append(bytes);
    this.#sizeBytes += bytes.length;
    this.#export?.grown(this.#sizeBytes);
  }
}

/** Removes what a chunk left that is not wanted. Rejects as the blob store does: media may be left. */
export async function removeChunk(blobs: BlobStore, file: ChunkFile): Promise<void> {
  await blobs.remove(file.blobKey);
  await blobs.remove(file.peaksKey);
}

function documentOf(options: ChunkWriterOptions): DocumentId {
  return chunkDocumentId(options.job.documentId, options.index);
}

function mediaKeyOf(job: RenderJob, documentId: DocumentId): string {
  return `${job.blobDirectory}/${documentId}.${job.plan.format.container}`;
}

function peaksKeyOf(job: RenderJob, documentId: DocumentId): string {
  return `${job.blobDirectory}/${documentId}.peaks.json`;
}

async function storeAtOnce(blobs: BlobStore, key: string, bytes: Uint8Array): Promise<void> {
  const writer = await blobs.open(key, 0);
  try {
    await writer.append(bytes);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}
