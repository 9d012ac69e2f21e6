import type { Mp3File } from './mp3-file.ts';
import { Mpg123 } from './mpg123-module.ts';

/**
 * The sound of an MP3 file as mono (the mean of two channels), from its first sample to its last: what
 * the encoder put around it is taken off where the file tells. Frames that are damaged may be missing.
 */
export class Mp3Decoder {
  readonly #bytes: Uint8Array;
  readonly #file: Mp3File;
  readonly #mpg123: Mpg123;

  /** @param bytes of which `file` was read. */
  static async create(bytes: Uint8Array, file: Mp3File): Promise<Mp3Decoder> {
    return new Mp3Decoder(bytes, file, await Mpg123.load());
  }

  private constructor(bytes: Uint8Array, file: Mp3File, mpg123: Mpg123) {
    this.#bytes = bytes;
    this.#file = file;
    this.#mpg123 = mpg123;
  }

  /** Once: all samples, at most `soundSamples` of the file; each block is valid until the next one. */
  *blocks(): Generator<Int16Array, void, undefined> {
    let skip = this.#file.skipSamples;
    let left = this.#file.soundSamples;
    for (const fed of this.#pieces()) {
      this.#mpg123.feed(fed);
      for (let both = this.#mpg123.read(); both !== undefined; both = this.#mpg123.read()) {
        const from = Math.min(skip, both.left.length);
        skip -= from;
        const to = Math.min(both.left.length, from + left);
        left -= to - from;
        if (to > from) yield monoOf(both.left, both.right, from, to);
        if (left === 0) return;
      }
    }
  }

  *#pieces(): Generator<Uint8Array, void, undefined> {
    for (const [from, to] of this.#file.runs) {
      for (let at = from; at < to; at += this.#mpg123.mostBytes) {
        yield this.#bytes.subarray(at, Math.min(to, at + this.#mpg123.mostBytes));
      }
    }
  }
}

function monoOf(left: Float32Array, right: Float32Array, from: number, to: number): Int16Array {
  // An Int16Array would wrap; this one clips, and takes what is no number as silence.
  const mono = new Int16Array(to - from);
  for (let at = from; at < to; at += 1) {
    const mean = Math.round(((left[at] ?? 0) + (right[at] ?? 0)) * 16_384);
    mono[at - from] = mean > 32_767 ? 32_767 : mean < -32_768 ? -32_768 : mean;
  }
  return mono;
}
