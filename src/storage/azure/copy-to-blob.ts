import type { BlobReader } from '../../core/ports/blob-store.ts';
import { BLOCK_BYTES, type BlobContainer } from './blob-container.ts';
import { compareBlob, readRange, samplesOf } from './blob-samples.ts';
import type { ProgressWatch } from './progress-watch.ts';
import type { StagedBlob } from './staged-blob.ts';
import type { UploadSlots } from './upload-slots.ts';

/** One file on its way to one blob. */
export type BlobCopy = {
  readonly container: BlobContainer;
  readonly name: string;
  readonly staged: StagedBlob;
  readonly slots: UploadSlots;
  readonly watch: ProgressWatch;
};

/** Stages `length` bytes of the file, at most a block; holds them until the service has them. */
export async function stageRange(
  copy: BlobCopy,
  file: BlobReader,
  start: number,
  length: number,
): Promise<void> {
  const { staged, slots, watch } = copy;
  await slots.run(async () => {
    watch.signal.throwIfAborted();
    await staged.stage(await readRange(file, start, length), watch.signal);
  });
  watch.progress();
}

/** Stages all from `start` on, block by block. */
export async function stageRest(copy: BlobCopy, file: BlobReader, start: number): Promise<void> {
  for (let at = start; at < file.sizeBytes; at += BLOCK_BYTES) {
    await stageRange(copy, file, at, Math.min(BLOCK_BYTES, file.sizeBytes - at));
  }
}

/** Makes the blob visible and compares it with the file. */
export async function commitCompared(copy: BlobCopy, file: BlobReader): Promise<void> {
  const { container, name, staged, watch } = copy;
  await staged.commit(watch.signal);
  watch.progress();
  const expected = { sizeBytes: file.sizeBytes, samples: await samplesOf(name, file) };
  await compareBlob(container, name, expected, watch);
}
