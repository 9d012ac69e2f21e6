/** Stored files. Keys are ours: lower-case letters, digits, `-`, `.`, `/`; never from outside. */
export interface BlobStore {
  /**
   * Opens a blob that becomes visible at `commit` only, with `headerBytes` left free at its start.
   * Replaces an unfinished blob of the same key. Rejects with fault `destination` if the backend refuses.
   */
  open(key: string, headerBytes: number): Promise<BlobWriter>;
  /** A committed blob, or `undefined`. */
  read(key: string): Promise<BlobReader | undefined>;
  /**
   * A blob that is being written, as far as it is durable by now, the header's room included as zeros;
   * `undefined` if there is none, and where unfinished blobs cannot be read (Azure Blob). Stays readable
   * until it is closed, also over `commit` and `abort`.
   */
  readUnfinished(key: string): Promise<BlobReader | undefined>;
  /** Idempotent. */
  remove(key: string): Promise<void>;
}

export interface BlobWriter {
  /**
   * Resolves once durable and verified: read back and compared on a file system. Rejects with
   * `blob-mismatch` when what was read back differs.
   */
  append(bytes: Uint8Array): Promise<void>;
  /** Fills all of the room that was left at the start; verified as `append` is. */
  writeHeader(bytes: Uint8Array): Promise<void>;
  /** Durable and visible under its key when this resolves. */
  commit(): Promise<{ readonly sizeBytes: number }>;
  /** Idempotent; a no-op after `commit`. */
  abort(): Promise<void>;
}

export interface BlobReader {
  readonly sizeBytes: number;
  /**
   * Bytes `start` to `end`, both included. Closing the iteration early closes the file. All bytes are of
   * the blob that was opened: when it was replaced since, they are still read or the range rejects.
   */
  range(start: number, end: number): AsyncIterable<Uint8Array>;
  /**
   * The same bytes in pieces that are lent: each is good until the next one is asked for. Several at
   * once are possible, and leaving one early closes nothing.
   */
  lend(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Frees the file. Idempotent. */
  close(): Promise<void>;
}
