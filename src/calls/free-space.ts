import { TapedeckError } from '../core/error.ts';
import type { Disk } from '../core/ports/disk.ts';

/** Keeps recordings from starting on a disk that is nearly full. */
export class FreeSpace {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #minFreeBytes: number;

  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly minFreeBytes: number;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#minFreeBytes = options.minFreeBytes;
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
}
