/** A folder in somebody's own blob container. */
export type ExportTarget = {
  /** Absolute URL of the container; may carry a SAS, so it is a secret: never log it or show it. */
  readonly containerUrl: string;
  /** `20260402/<callId>/<first 8 characters of the recording id>-<guid>`. */
  readonly folder: string;
};

/** Writes into containers that callers own. Every address passes the rules for callers' URLs. */
export interface ContainerPort {
  /**
   * Throws `argument-invalid` for what is not the URL of a container, `url-refused` for an address
   * that may not be reached, `not-permitted` when the URL has no SAS and no credentials are
   * configured for its account. Touches no network.
   */
  check(containerUrl: string): void;
  /** URL of a blob without its SAS, for events. */
  urlOf(containerUrl: string, blobName: string): string;
  /** Writes a small blob at once. Rejects with `destination-unreachable` or `destination-refused`. */
  put(containerUrl: string, blobName: string, bytes: Uint8Array, mediaType: string): Promise<void>;
  /**
   * Copies a committed blob of the built-in storage in blocks of bounded memory, commits it, and compares
   * size and samples of it with the original. Rejects as `put` does, with `blob-mismatch`, and with
   * `content-not-found` if there is no blob of this key.
   */
  copy(containerUrl: string, blobName: string, blobKey: string, mediaType: string): Promise<void>;
}

/** Copies a file to a container while it is being written. One per chunk; made by `LiveExports`. */
export interface LiveExport {
  /**
   * The local file holds `sizeBytes` durable bytes by now (header's room included). Returns at once.
   * A failure ends the copying and is what `finish` says.
   */
  grown(sizeBytes: number): void;
  /**
   * The local blob is committed: copies what is left and the header, commits and compares. Never rejects;
   * `false` if the container could not be written (what was staged is left to expire there).
   */
  finish(): Promise<boolean>;
  /** The local blob was dropped. Idempotent; a no-op after `finish`. */
  abort(): Promise<void>;
}

/** The render worker's way to containers. */
export interface LiveExports {
  begin(request: {
    readonly target: ExportTarget;
    /** Name within the target's folder. */
    readonly fileName: string;
    readonly mediaType: string;
    /** Key of the local blob, readable while it is written (`BlobStore.readUnfinished`). */
    readonly blobKey: string;
    /** Room at the start of the file that is filled last. */
    readonly headerBytes: number;
  }): LiveExport;
}
