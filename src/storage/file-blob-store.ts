import { dirname, join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { BlobReader, BlobStore, BlobWriter } from '../core/ports/blob-store.ts';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import { assertBlobKey } from './blob-key.ts';
import { FileBlobReader } from './file-blob-reader.ts';
import { FileBlobWriter } from './file-blob-writer.ts';
import { onDisk } from './on-disk.ts';
import { PieceBuffers } from './piece-buffers.ts';

/** Segments of a key do not begin with a dot, so no blob can be named like this. */
const UNFINISHED_DIRECTORY = '.unfinished';

/**
 * Blobs as files under one directory: the key is the path. A blob is written under `.unfinished`
 * and renamed when it is whole, so that a file under its key is always complete. All calls reject
 * with `disk-failed` when the disk refuses, and with `internal` for a key that is none.
 */
export class FileBlobStore implements BlobStore {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #buffers: PieceBuffers = new PieceBuffers();
  /** Directories that are known to be durable. */
  readonly #directories = new Set<string>();

  private constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /**
   * Opens the store and removes what a process that died has left unfinished: one process at a time
   * may have it open with `sweep`.
   * @param root made if it is not there.
   * @param sweep false in the further threads of the process that swept. Default true.
   */
  static async open(disk: Disk, root: string, sweep = true): Promise<FileBlobStore> {
    const store = new FileBlobStore(disk, root);
    const unfinished = join(root, UNFINISHED_DIRECTORY);
    await onDisk(`cannot open ${root}`, async () => {
      if (sweep) await disk.remove(unfinished);
      await disk.makeDirectory(unfinished);
    });
    return store;
  }

  async open(key: string, headerBytes: number): Promise<BlobWriter> {
    const target = this.#pathOf(key);
    const temporary = this.#temporaryOf(key);
    return onDisk(`cannot begin ${key}`, async () => {
      await this.#makeDurableDirectory(dirname(target));
      const file = await this.#create(temporary);
      return new FileBlobWriter({ disk: this.#disk, file, temporary, target, key, headerBytes });
    });
  }

  async read(key: string): Promise<BlobReader | undefined> {
    return this.#read(key, this.#pathOf(key));
  }

  async readUnfinished(key: string): Promise<BlobReader | undefined> {
    this.#pathOf(key);
    return this.#read(key, this.#temporaryOf(key));
  }

  /** What a thread that died has left there is removed; hardly ever is there anything. */
  async #create(temporary: string): Promise<DiskFile> {
    try {
      return await this.#disk.open(temporary, 'create');
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      await this.#disk.remove(temporary);
      return this.#disk.open(temporary, 'create');
    }
  }

  async #read(key: string, path: string): Promise<BlobReader | undefined> {
    let file: DiskFile | undefined;
    try {
      file = await this.#disk.open(path, 'read');
      return new FileBlobReader(file, await file.sizeBytes(), this.#buffers);
    } catch (error) {
      await file?.close().catch(() => undefined);
      if (systemCode(error) === 'ENOENT') return undefined;
      throw new TapedeckError('disk-failed', `cannot read ${key}`, { cause: error });
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.#pathOf(key);
    await onDisk(`cannot remove ${key}`, async () => {
      // Of a thread that died over it.
      await this.#disk.remove(this.#temporaryOf(key));
      if ((await this.#disk.sizeBytes(path)) === undefined) return;
      await this.#disk.remove(path);
      await this.#disk.syncDirectory(dirname(path));
    });
  }

  /** No key holds an underscore, so different keys have different names here. */
  #temporaryOf(key: string): string {
    return join(this.#root, UNFINISHED_DIRECTORY, key.replaceAll('/', '_'));
  }

  #pathOf(key: string): string {
    assertBlobKey(key);
    return join(this.#root, key);
  }

  /** A new directory's own entry has to be durable too, up to the root. */
  async #makeDurableDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return;
    await this.#disk.makeDirectory(path);
    for (let at = path; at.length > this.#root.length; at = dirname(at)) {
      await this.#disk.syncDirectory(dirname(at));
    }
    this.#directories.add(path);
  }
}
