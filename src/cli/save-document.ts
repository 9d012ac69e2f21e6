import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { TapedeckError } from '../core/error.ts';
import { headerBytes, MAX_HEADER_BYTES } from './file-header.ts';
import type { Progress } from './progress.ts';
import type { Output } from './verb.ts';

/**
 * Writes a download to `path`, whole or not at all: under another name first, until its media is what was
 * recorded. Rejects with `blob-mismatch` if it is not.
 * @param sha256 of the media, hex; `undefined` for documents that have none.
 */
export async function saveDocument(
  stream: ReadableStream<Uint8Array>,
  path: string,
  sha256: string | undefined,
  progress: Progress,
): Promise<void> {
  const unfinished = `${path}.part`;
  const media = new MediaHash();
  try {
    const file = await open(unfinished, 'w');
    try {
      for await (const piece of stream) {
        media.update(piece);
        await file.write(piece);
        progress.add(piece.length);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (sha256 !== undefined && media.digest() !== sha256) {
      throw new TapedeckError('blob-mismatch', `${path}: what came is not what was recorded`);
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Writes a download to standard output as it comes. */
export async function printDocument(
  stream: ReadableStream<Uint8Array>,
  output: Output,
): Promise<void> {
  for await (const piece of stream) {
    await new Promise<void>((resolve, reject) => {
      output.write(piece, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}

/** Of a file behind its header: the server hashes as it records, before the header is known. */
class MediaHash {
  readonly #hash: Hash = createHash('sha256');
  /** What came, until it is enough to tell the header. */
  #head: Uint8Array | undefined = new Uint8Array(0);

  update(piece: Uint8Array): void {
    if (this.#head === undefined) {
      this.#hash.update(piece);
      return;
    }
    this.#head = Buffer.concat([this.#head, piece]);
    if (this.#head.length >= MAX_HEADER_BYTES) this.#passHead(this.#head);
  }

  /** Hex; call it once. */
  digest(): string {
    if (this.#head !== undefined) this.#passHead(this.#head);
    return this.#hash.digest('hex');
  }

  #passHead(head: Uint8Array): void {
    this.#hash.update(head.subarray(headerBytes(head)));
    this.#head = undefined;
  }
}
