/**
 * Decoders and encoders of a stream: they remember what came before, so each stream has its own, and
 * packets are handed to them in their order.
 */

/** Packets of one stream → samples. Accepts any bytes; never throws. */
export interface AudioDecoder {
  /** Of what it gives, in samples a second. */
  readonly sampleRateHz: number;
  /**
   * Writes the samples of a packet to the start of `into` and returns how many; 0 for bytes that are no
   * packet of this codec, or if there is no room.
   */
  decode(payload: Uint8Array, into: Int16Array): number;
  /** `count` samples in place of a lost packet, by what was heard before. Returns how many were written. */
  conceal(count: number, into: Int16Array): number;
  /**
   * The `count` samples of the packet lost before `payload`, from what `payload` says of them (in-band
   * forward error correction), else as `conceal`. To be called before `decode(payload)`.
   */
  recover(payload: Uint8Array, count: number, into: Int16Array): number;
  /** Idempotent; frees what it holds outside the heap. */
  close(): void;
}

/** Samples → packets of one stream. */
export interface AudioEncoder {
  /** Of what it takes, in samples a second. */
  readonly sampleRateHz: number;
  /** Encodes a packet's samples, 10 to 60 ms, into the start of `into`; returns the bytes written. */
  encode(samples: Int16Array, into: Uint8Array): number;
  /**
   * Takes over what an encoder of the same format remembers, so that a decoder which heard that one hears no
   * break. False, as if it were not there, for one that cannot be copied.
   */
  continueFrom?(other: AudioEncoder): boolean;
  /** Idempotent. */
  close(): void;
}
