/** Views up to this length are made once and kept: no object per packet. */
const KEPT_VIEWS = 2_048;

/** Memory for one packet at a time, whose beginnings of any length cost nothing to hand on. */
export class PacketBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #views: (Uint8Array<ArrayBuffer> | undefined)[] = [];

  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  /** The first `lengthBytes` of it; the same object for the same length. */
  view(lengthBytes: number): Uint8Array<ArrayBuffer> {
    if (lengthBytes >= KEPT_VIEWS) return this.bytes.subarray(0, lengthBytes);
    return (this.#views[lengthBytes] ??= this.bytes.subarray(0, lengthBytes));
  }
}
