/** Of a large buffer: a range of an SDK's download is a few of them. */
const LARGE_BYTES = 512 * 1024;
/** Of one that is made when all large ones are lent, and for less than it holds. */
const SMALL_BYTES = 64 * 1024;
/** Large buffers that there ever are. */
const MAX_LARGE = 16;

/**
 * Buffers that files are read through. Large ones are used again and again: making one for each
 * piece costs more than reading it.
 */
export class PieceBuffers {
  readonly #free: Uint8Array[] = [];
  #made = 0;

  /** A buffer with any content, for up to `wantedBytes`; may hold fewer, or more. */
  take(wantedBytes: number): Uint8Array {
    if (wantedBytes <= SMALL_BYTES) return new Uint8Array(wantedBytes);
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made === MAX_LARGE) return new Uint8Array(SMALL_BYTES);
    this.#made += 1;
    return new Uint8Array(LARGE_BYTES);
  }

  /** Nobody reads `buffer` any more, nor sends it. */
  giveBack(buffer: Uint8Array): void {
    if (buffer.length === LARGE_BYTES) this.#free.push(buffer);
  }

  /** Somebody may still be sending this one: another will be made in its place. */
  abandon(buffer: Uint8Array): void {
    if (buffer.length === LARGE_BYTES) this.#made -= 1;
  }
}
