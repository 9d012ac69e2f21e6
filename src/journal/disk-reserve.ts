import type { Disk } from '../core/ports/disk.ts';

const PIECE_BYTES = 1024 * 1024;

/**
 * A file whose only purpose is to be removed when the disk is full, so that the recordings that
 * run can be finished. One for all journals of a data directory.
 */
export class DiskReserve {
  readonly #disk: Disk;
  readonly #path: string;
  #releasing: Promise<void> | undefined;

  private constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Takes `sizeBytes` of the disk, or whatever a file of an earlier run holds already. */
  static async take(disk: Disk, path: string, sizeBytes: number): Promise<DiskReserve> {
    const reserve = new DiskReserve(disk, path);
    if (((await disk.sizeBytes(path)) ?? 0) >= sizeBytes) return reserve;
    await disk.remove(path);
    const file = await disk.open(path, 'create');
    try {
      // Written, not truncated to size: a sparse file reserves nothing.
      const piece = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
      for (let at = 0; at < sizeBytes; at += piece.byteLength) {
        await file.write(piece.subarray(0, Math.min(piece.byteLength, sizeBytes - at)), at);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return reserve;
  }

  /** Names the reserve that another thread took, to release it from here. */
  static at(disk: Disk, path: string): DiskReserve {
    return new DiskReserve(disk, path);
  }

  /** Gives the space back to the disk. Idempotent; never rejects, as there is nothing left to do. */
  release(): Promise<void> {
    this.#releasing ??= this.#disk.remove(this.#path).catch(() => undefined);
    return this.#releasing;
  }
}
