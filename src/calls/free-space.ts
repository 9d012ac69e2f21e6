import { TapedeckError } from '../core/error.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { Logger } from '../core/ports/log.ts';

/** Enough for the last seconds of many recordings, and small against any disk. */
export const RESERVE_BYTES = 32 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;

/**
 * Keeps recordings from starting on a disk that is nearly full, and a reserve file to be given up
 * when it fills all the same, so that what runs can be finished.
 */
export class FreeSpace {
  readonly #disk: Disk;
  readonly #log: Logger;
  readonly #directory: string;
  readonly #minFreeBytes: number;
  readonly #reservePath: string;

  constructor(options: {
    readonly disk: Disk;
    readonly log: Logger;
    readonly directory: string;
    readonly minFreeBytes: number;
  }) {
    this.#disk = options.disk;
    this.#log = options.log;
    this.#directory = options.directory;
    this.#minFreeBytes = options.minFreeBytes;
    this.#reservePath = `${options.directory}/reserve`;
  }

  /** Rejects with `storage-low` when a recording should not start. */
  async require(): Promise<void> {
    const freeBytes = await this.#disk.freeBytes(this.#directory);
    if (freeBytes >= this.#minFreeBytes) return;
    throw new TapedeckError(
      'storage-low',
      `Only ${freeBytes} bytes are free under the data directory; --min-free-bytes asks for ${this.#minFreeBytes}.`,
    );
  }

  /** Makes the reserve file where there is room for it. */
  async reserve(): Promise<void> {
    if ((await this.#disk.sizeBytes(this.#reservePath)) === RESERVE_BYTES) return;
    await this.#disk.remove(this.#reservePath);
    const freeBytes = await this.#disk.freeBytes(this.#directory);
    if (freeBytes < this.#minFreeBytes + RESERVE_BYTES) return;
    const file = await this.#disk.open(this.#reservePath, 'create');
    try {
      const zeros = new Uint8Array(WRITE_BYTES);
      for (let at = 0; at < RESERVE_BYTES; at += WRITE_BYTES) await file.write(zeros, at);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Gives the reserve up. Idempotent; made again at the next start. */
  async release(): Promise<void> {
    await this.#disk.remove(this.#reservePath);
    this.#log.warn({ reserveBytes: RESERVE_BYTES }, 'disk full: reserve file released');
  }
}
