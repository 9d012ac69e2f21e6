import { createHash } from 'node:crypto';
import { TapedeckError } from '../../core/error.ts';
import type { BlobReader } from '../../core/ports/blob-store.ts';
import { BLOCK_BYTES, type BlobContainer } from './blob-container.ts';
import type { ProgressWatch } from './progress-watch.ts';

/** Some bytes that a blob has to hold. */
export type BlobSample = { readonly start: number; readonly bytes: Uint8Array };

export type SampleRange = { readonly start: number; readonly length: number };

export const SAMPLE_BYTES = 4096;
const RANDOM_SAMPLES = 4;
const WORD_BYTES = 6;

/**
 * The first bytes, the last, and a few between that follow from name and size alone: another
 * attempt looks at the same places. A file that is hardly larger is taken whole.
 */
export function sampleRanges(name: string, sizeBytes: number): readonly SampleRange[] {
  if (sizeBytes === 0) return [];
  if (sizeBytes <= SAMPLE_BYTES * (RANDOM_SAMPLES + 2)) return [{ start: 0, length: sizeBytes }];
  const last = sizeBytes - SAMPLE_BYTES;
  const between = randomWords(`${name}:${sizeBytes}`).map((word) => word % last);
  return [0, ...between, last].map((start) => ({ start, length: SAMPLE_BYTES }));
}

/** Reads the sampled ranges of a local file. */
export async function samplesOf(name: string, file: BlobReader): Promise<readonly BlobSample[]> {
  const samples: BlobSample[] = [];
  for (const { start, length } of sampleRanges(name, file.sizeBytes)) {
    samples.push({ start, bytes: await readRange(file, start, length) });
  }
  return samples;
}

/** Exactly `length` bytes. Rejects with `internal` if the file has fewer. */
export async function readRange(
  file: BlobReader,
  start: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const piece of file.range(start, start + length - 1)) {
    bytes.set(piece, filled);
    filled += piece.length;
  }
  if (filled !== length) throw new TapedeckError('internal', 'a file is shorter than was said');
  return bytes;
}

/** Samples of a blob that is written only, chosen as it grows: first, last, and a few between. */
export class GrowingSamples {
  readonly #name: string;
  #first: BlobSample | undefined;
  #last: BlobSample | undefined;
  readonly #between: BlobSample[] = [];
  #seen = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Looks at one block and keeps at most 4 KiB of it, once for each sample. */
  add(start: number, block: Uint8Array): void {
    if (block.length === 0) return;
    const [where = 0, which = 0] = randomWords(`${this.#name}:${this.#seen}`);
    const room = Math.max(1, block.length - SAMPLE_BYTES);
    // The header is the first and comes last.
    if (start <= (this.#first?.start ?? start)) this.#first = sampleAt(start, block, 0);
    if (start >= (this.#last?.start ?? start)) {
      this.#last = sampleAt(start, block, Math.max(0, block.length - SAMPLE_BYTES));
    }
    // Reservoir sampling: every block so far is kept with the same probability.
    const slot = this.#seen < RANDOM_SAMPLES ? this.#seen : which % (this.#seen + 1);
    if (slot < RANDOM_SAMPLES) this.#between[slot] = sampleAt(start, block, where % room);
    this.#seen += 1;
  }

  all(): readonly BlobSample[] {
    return [this.#first, this.#last, ...this.#between].filter((sample) => sample !== undefined);
  }
}

/**
 * Compares a visible blob's size and some of its ranges. Rejects with `blob-mismatch`, or as the
 * container does.
 */
export async function compareBlob(
  container: BlobContainer,
  name: string,
  expected: { readonly sizeBytes: number; readonly samples: readonly BlobSample[] },
  watch?: ProgressWatch,
): Promise<void> {
  const found = await container.properties(name, watch?.signal);
  watch?.progress();
  if (found?.sizeBytes !== expected.sizeBytes) {
    const what = found === undefined ? 'is not there' : `has ${found.sizeBytes} bytes`;
    throw mismatch(container, name, `${what}, not ${expected.sizeBytes}`);
  }
  for (const { start, bytes } of expected.samples) {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const part = bytes.subarray(at, at + BLOCK_BYTES);
      const range = { start: start + at, length: part.length, etag: found.etag };
      const read = await container.read(name, range, watch?.signal);
      watch?.progress();
      if (Buffer.compare(read, part) !== 0) {
        throw mismatch(container, name, `differs near byte ${start + at}`);
      }
    }
  }
}

function sampleAt(start: number, block: Uint8Array, at: number): BlobSample {
  return { start: start + at, bytes: block.slice(at, at + SAMPLE_BYTES) };
}

/** Evenly spread whole numbers of 48 bits. */
function randomWords(seed: string): number[] {
  const digest = createHash('sha256').update(seed).digest();
  return Array.from({ length: RANDOM_SAMPLES }, (_, at) =>
    digest.readUIntBE(at * WORD_BYTES, WORD_BYTES),
  );
}

function mismatch(container: BlobContainer, name: string, what: string): TapedeckError {
  return new TapedeckError('blob-mismatch', `${container.url}/${name} ${what}.`);
}
