const BLOCK_BYTES = 64;
const BLOCK_WORDS = BLOCK_BYTES / 4;
const STATE_WORDS = 5;
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
/** Behind the data: one bit, and the length in 64 bits. */
const PADDING_BYTES = 9;

/**
 * HMAC with SHA-1 (RFC 2104) under one key, for many short messages: what depends on the key alone is
 * computed once, and a message makes no object. `node:crypto` makes three for each, which costs more than
 * the arithmetic. Its time depends on the length of the message only.
 */
export class HmacSha1 {
  readonly #inner = new Int32Array(STATE_WORDS);
  readonly #outer = new Int32Array(STATE_WORDS);
  readonly #state = new Int32Array(STATE_WORDS);
  readonly #words = new Int32Array(80);
  readonly #block = new Uint8Array(BLOCK_BYTES);

  /** @param key up to 64 bytes. */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError('the key has more than 64 bytes');
    this.#absorbKey(key, 0x36, this.#inner);
    this.#absorbKey(key, 0x5c, this.#outer);
  }

  /**
   * Of the first `length` bytes, followed by `suffix` as 32 bits if it is given. Writes the first
   * `tagBytes` of the tag, up to 20, into `into` at `at`.
   */
  tag(
    bytes: Uint8Array,
    length: number,
    suffix: number | undefined,
    tagBytes: number,
    into: Uint8Array,
    at: number,
  ): void {
    const state = this.#state;
    state.set(this.#inner);
    let offset = 0;
    for (; offset + BLOCK_BYTES <= length; offset += BLOCK_BYTES) this.#compress(bytes, offset);
    const block = this.#block;
    let used = 0;
    for (; offset < length; offset += 1) block[used++] = bytes[offset] ?? 0;
    const total = length + (suffix === undefined ? 0 : 4);
    if (suffix !== undefined) {
      for (let shift = 24; shift >= 0; shift -= 8) {
        if (used === BLOCK_BYTES) used = this.#take();
        block[used++] = suffix >>> shift;
      }
    }
    this.#finish(used, BLOCK_BYTES + total);
    this.#hashOuter();
    for (let index = 0; index < tagBytes; index += 1) {
      into[at + index] = (state[index >> 2] ?? 0) >>> (24 - (index & 3) * 8);
    }
  }

  #absorbKey(key: Uint8Array, filler: number, into: Int32Array): void {
    const block = this.#block;
    for (let at = 0; at < BLOCK_BYTES; at += 1) block[at] = (key[at] ?? 0) ^ filler;
    this.#state.set(INITIAL);
    this.#compress(block, 0);
    into.set(this.#state);
  }

  /** The block is full: it is compressed, and begins anew. */
  #take(): number {
    this.#compress(this.#block, 0);
    return 0;
  }

  /** Pads the block, of which `used` bytes are taken; `totalBytes` went in since the initial state. */
  #finish(used: number, totalBytes: number): void {
    const block = this.#block;
    if (used === BLOCK_BYTES) used = this.#take();
    block[used++] = 0x80;
    if (used > BLOCK_BYTES - PADDING_BYTES + 1) {
      block.fill(0, used);
      used = this.#take();
    }
    block.fill(0, used);
    const bits = totalBytes * 8;
    block[60] = bits >>> 24;
    block[61] = bits >>> 16;
    block[62] = bits >>> 8;
    block[63] = bits;
    this.#compress(block, 0);
  }

  /** The outer hash is one block: the inner one behind the key. */
  #hashOuter(): void {
    const block = this.#block;
    const state = this.#state;
    let at = 0;
    for (let index = 0; index < STATE_WORDS; index += 1) {
      const word = state[index] ?? 0;
      block[at++] = word >>> 24;
      block[at++] = word >>> 16;
      block[at++] = word >>> 8;
      block[at++] = word;
    }
    state.set(this.#outer);
    this.#finish(at, BLOCK_BYTES + at);
  }

  /** FIPS 180-4 §6.1.2, for the block that begins at `offset`. */
  #compress(bytes: Uint8Array, offset: number): void {
    const w = this.#words;
    const state = this.#state;
    for (let t = 0, at = offset; t < BLOCK_WORDS; t += 1, at += 4) {
      w[t] =
        (byteAt(bytes, at) << 24) |
        (byteAt(bytes, at + 1) << 16) |
        (byteAt(bytes, at + 2) << 8) |
        byteAt(bytes, at + 3);
    }
    for (let t = BLOCK_WORDS; t < 80; t += 1) {
      const word = at(w, t - 3) ^ at(w, t - 8) ^ at(w, t - 14) ^ at(w, t - 16);
      w[t] = (word << 1) | (word >>> 31);
    }
    let a = at(state, 0);
    let b = at(state, 1);
    let c = at(state, 2);
    let d = at(state, 3);
    let e = at(state, 4);
    let next = 0;
    for (let t = 0; t < 20; t += 1) {
      next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + at(w, t) + 0x5a827999) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 20; t < 40; t += 1) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + at(w, t) + 0x6ed9eba1) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 40; t < 60; t += 1) {
      next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + at(w, t) + 0x8f1bbcdc) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 60; t < 80; t += 1) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + at(w, t) + 0xca62c1d6) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    state[0] = at(state, 0) + a;
    state[1] = at(state, 1) + b;
    state[2] = at(state, 2) + c;
    state[3] = at(state, 3) + d;
    state[4] = at(state, 4) + e;
  }
}

// Indexes are within bounds; the fallbacks only satisfy the compiler and are never taken.
function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function at(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}
