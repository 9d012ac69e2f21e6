export type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/** The bytes of a simulated file; grows by doubling, so that many small writes stay cheap. */
export class FileContent {
  #bytes: Uint8Array;
  #size: number;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = new Uint8Array(bytes); // not `slice`, which in a Buffer shares the memory
    this.#size = bytes.byteLength;
  }

  get sizeBytes(): number {
    return this.#size;
  }

  /** Valid until the next change. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  /** A gap that a write leaves, and what `truncate` adds, reads as zeros. */
  apply(change: Change): void {
    if (change.kind === 'truncate') {
      this.#resize(change.sizeBytes);
      return;
    }
    const end = change.position + change.bytes.byteLength;
    if (end > this.#size) this.#resize(end);
    this.#bytes.set(change.bytes, change.position);
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(sizeBytes, this.#bytes.byteLength * 2));
      grown.set(this.view);
      this.#bytes = grown;
    }
    this.#bytes.fill(0, Math.min(this.#size, sizeBytes), Math.max(this.#size, sizeBytes));
    this.#size = sizeBytes;
  }
}
