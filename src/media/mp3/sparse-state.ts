/** What is found to differ or not as a whole. */
export const SPARSE_BLOCK_BYTES = 256;
const BLOCK_WORDS: number = SPARSE_BLOCK_BYTES / 4;
/** Compared in native code first: most of them do not differ. */
const STRETCH_BYTES: number = 16 * SPARSE_BLOCK_BYTES;

/**
 * What a large memory holds, kept as its differences from a first image of it. An encoder changes a
 * tenth of the words that it owns, and hundreds of encoders wait at a time.
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

  /**
   * Takes what differs from the image, and makes `memory` the image again. Both have the same
   * length, of whole blocks, at most 16 MiB.
   */
  takeFrom(memory: Int32Array, image: Int32Array): void {
    this.#count = 0;
    const bytes = bytesOf(memory);
    const imageBytes = bytesOf(image);
    for (let from = 0; from < bytes.length; from += STRETCH_BYTES) {
      const to = Math.min(bytes.length, from + STRETCH_BYTES);
      if (bytes.compare(imageBytes, from, to, from, to) !== 0) {
        this.#takeStretch(memory, image, from / SPARSE_BLOCK_BYTES, to / SPARSE_BLOCK_BYTES);
      }
    }
  }

  /** Puts what was taken into `memory`, which is the image now. */
  putInto(memory: Int32Array): void {
    for (let index = 0; index < this.#count; index += 1) {
      const from = index * BLOCK_WORDS;
      copyBlock(this.#words, from, memory, (this.#blocks[index] as number) * BLOCK_WORDS);
    }
  }

  #takeStretch(memory: Int32Array, image: Int32Array, first: number, end: number): void {
    for (let block = first; block < end; block += 1) {
      const at = block * BLOCK_WORDS;
      if (isSameBlock(memory, image, at)) continue;
      if (this.#count === this.#blocks.length) this.#grow();
      this.#blocks[this.#count] = block;
      copyBlock(memory, at, this.#words, this.#count * BLOCK_WORDS);
      copyBlock(image, at, memory, at);
      this.#count += 1;
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

// Every index below is inside: blocks are whole.

function isSameBlock(left: Int32Array, right: Int32Array, from: number): boolean {
  for (let at = from; at < from + BLOCK_WORDS; at += 1) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}

function copyBlock(source: Int32Array, from: number, target: Int32Array, to: number): void {
  for (let at = 0; at < BLOCK_WORDS; at += 1) target[to + at] = source[from + at] as number;
}

function bytesOf(words: Int32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
