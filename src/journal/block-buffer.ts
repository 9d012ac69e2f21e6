import { crc32 } from 'node:zlib';
import { BLOCK_PREFIX_BYTES, RECORD_PREFIX_BYTES } from './format.ts';

/** Builds one block at a time in memory that is reused: nothing is allocated per record. */
export class BlockBuffer {
  readonly #ordinaryBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  #end = BLOCK_PREFIX_BYTES;

  /** @param capacityBytes room for a block in ordinary times; a larger record grows it for one block. */
  constructor(capacityBytes: number) {
    this.#ordinaryBytes = capacityBytes;
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.#end === BLOCK_PREFIX_BYTES;
  }

  fits(contentBytes: number): boolean {
    return this.#end + RECORD_PREFIX_BYTES + contentBytes <= this.#bytes.byteLength;
  }

  /** Makes room for a record whatever its size, until the next `clear`. */
  grow(contentBytes: number): void {
    const grown = new Uint8Array(this.#end + RECORD_PREFIX_BYTES + contentBytes);
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#use(grown);
  }

  /** Copies in a record that fits. */
  append(type: number, flags: number, stream: number, timeUs: number, content: Uint8Array): void {
    const at = this.#end;
    const view = this.#view;
    view.setUint16(at, content.byteLength, true);
    view.setUint8(at + 2, type);
    view.setUint8(at + 3, flags);
    view.setUint16(at + 4, stream, true);
    view.setUint16(at + 6, timeUs % 0x10000, true);
    view.setUint32(at + 8, Math.floor(timeUs / 0x10000), true);
    this.#bytes.set(content, at + RECORD_PREFIX_BYTES);
    this.#end = at + RECORD_PREFIX_BYTES + content.byteLength;
  }

  /** The block with length and CRC; valid until the next record or `clear`. */
  seal(seedCrc: number): Uint8Array {
    this.#view.setUint32(4, this.#end - BLOCK_PREFIX_BYTES, true);
    this.#view.setUint32(0, crc32(this.#bytes.subarray(4, this.#end), seedCrc), true);
    return this.#bytes.subarray(0, this.#end);
  }

  /** CRC of the block that was sealed last. */
  get sealedCrc(): number {
    return this.#view.getUint32(0, true);
  }

  clear(): void {
    this.#end = BLOCK_PREFIX_BYTES;
    if (this.#bytes.byteLength > this.#ordinaryBytes)
      this.#use(new Uint8Array(this.#ordinaryBytes));
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
