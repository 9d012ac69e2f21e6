import { createCipheriv, createSecretKey, type Cipheriv } from 'node:crypto';
import { PacketBuffer } from '../rtp/packet-buffer.ts';

const BLOCK_BYTES = 16;
const SALT_BYTES = 14;

/**
 * AES in counter mode (RFC 3711 §4.1.1). One cipher without chaining lives as long as the key and encrypts
 * the counters: one of its own for each packet would cost several times as much.
 */
export class CounterKeystream {
  readonly #cipher: Cipheriv;
  readonly #salt: Uint8Array;
  /** Counter blocks; where the salt alone or the number of the block stands is written once. */
  readonly #blocks: PacketBuffer;

  /** @param mostBytes longest stretch that will be asked for. */
  constructor(key: Uint8Array, salt: Uint8Array, mostBytes: number) {
    this.#cipher = createCipheriv('aes-128-ecb', createSecretKey(key), null).setAutoPadding(false);
    this.#salt = salt.slice(0, SALT_BYTES);
    const blocks = Math.ceil(mostBytes / BLOCK_BYTES);
    this.#blocks = new PacketBuffer(blocks * BLOCK_BYTES);
    const { bytes } = this.#blocks;
    for (let block = 0; block < blocks; block += 1) {
      bytes.set(this.#salt, block * BLOCK_BYTES);
      bytes[block * BLOCK_BYTES + 14] = block >>> 8;
      bytes[block * BLOCK_BYTES + 15] = block;
    }
  }

  /** `lengthBytes` and up to 15 more for the packet of this 48-bit index, in 32 and 16 bits. */
  take(ssrc: number, indexHigh: number, indexLow: number, lengthBytes: number): Uint8Array {
    const whole = Math.ceil(lengthBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const { bytes } = this.#blocks;
    const salt = this.#salt;
    for (let at = 0; at < 4; at += 1) {
      const shift = 24 - at * 8;
      bytes[4 + at] = (salt[4 + at] ?? 0) ^ (ssrc >>> shift);
      bytes[8 + at] = (salt[8 + at] ?? 0) ^ (indexHigh >>> shift);
    }
    bytes[12] = (salt[12] ?? 0) ^ (indexLow >>> 8);
    bytes[13] = (salt[13] ?? 0) ^ indexLow;
    for (let at = BLOCK_BYTES; at < whole; at += BLOCK_BYTES) {
      for (let part = 4; part < SALT_BYTES; part += 1) bytes[at + part] = bytes[part] ?? 0;
    }
    return this.#cipher.update(this.#blocks.view(whole));
  }
}
