/** Makes the bytes of one chunk from its samples. Bytes do not depend on how the samples are cut. */
export interface ChunkEncoder {
  /** Room at the start of the file for what `header` gives. */
  readonly headerBytes: number;
  /** Interleaved samples `from…to` (excluded), whole frames. Valid until the next call. */
  encode(samples: Int16Array, from: number, to: number): Uint8Array;
  /** What was held back. Called once, after all samples. */
  finish(): Uint8Array;
  /** Of the whole file; after `finish`. */
  header(): Uint8Array;
  /** Frees its memory. Idempotent. */
  close(): void;
}

/** A kind of file. */
export interface FileEncoding {
  readonly mediaType: string;
  /** Bits per second of all channels together. */
  bitRate(channels: number): number;
  /** Frames (a sample of every channel) of which a file has at most `sizeBytes`. */
  framesWithin(sizeBytes: number, channels: number): number;
  begin(channels: number): Promise<ChunkEncoder>;
}
