/** What is found to differ or not as a whole. */
export const SPARSE_BLOCK_BYTES = 256;
const BLOCK_WORDS: number = SPARSE_BLOCK_BYTES / 4;

/**
 * What a large memory holds, kept as its differences from a first image of it. An encoder changes a
 * tenth of the words that it owns, and hundreds of them wait at a time.
 */
export class SparseState {
  /** Numbers of the blocks that differ, `#count` of them. */
  #blocks = new Uint16Array(0);
  #words = new Int32Array(0);
  #count = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#blocks.byteLength + this.#words.byteLength;
  }

  /** Takes what differs between two memories of one length, whole blocks long, up to 16 MiB. */
  save(memory: Int32Array, image: Int32Array): void {
    this.#count = 0;
    const blocks = memory.length / BLOCK_WORDS;
    for (let block = 0; block < blocks; block += 1) {
      if (isSame(memory, image, block * BLOCK_WORDS)) continue;
      if (this.#count === this.#blocks.length) this.#grow();
      const from = block * BLOCK_WORDS;
      this.#blocks[this.#count] = block;
      this.#words.set(memory.subarray(from, from + BLOCK_WORDS), this.#count * BLOCK_WORDS);
      this.#count += 1;
    }
  }

  /** Undoes `save`: `memory` is as it was then. */
  restore(memory: Int32Array, image: Int32Array): void {
    memory.set(image);
    for (let index = 0; index < this.#count; index += 1) {
      const from = index * BLOCK_WORDS;
      const to = (this.#blocks[index] ?? 0) * BLOCK_WORDS;
      memory.set(this.#words.subarray(from, from + BLOCK_WORDS), to);
    }
  }

  #grow(): void {
    const room = this.#count + 16;
    const blocks = new Uint16Array(room);
    blocks.set(this.#blocks);
    this.#blocks = blocks;
    const words = new Int32Array(room * BLOCK_WORDS);
    words.set(this.#words);
    this.#words = words;
  }
}

function isSame(left: Int32Array, right: Int32Array, from: number): boolean {
  for (let at = from; at < from + BLOCK_WORDS; at += 1) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}
