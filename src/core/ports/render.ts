import type { DocumentId, RecordingId } from '../ids.ts';

/** A recording to be turned into a file. */
export type RenderJob = {
  readonly recordingId: RecordingId;
  readonly journalDirectory: string;
  readonly documentId: DocumentId;
  /** Where the blob store keeps the file. */
  readonly blobKey: string;
  readonly format: RenderFormat;
};

export type RenderFormat = {
  readonly container: 'wav';
  readonly channels: 'mixed';
};

/** A stored, verified chunk of a recording. */
export type RenderedChunk = {
  readonly documentId: DocumentId;
  readonly blobKey: string;
  /** Of the chunks of a recording, from 0. */
  readonly index: number;
  readonly sizeBytes: number;
  /** Media in the file. */
  readonly durationMs: number;
  /** Wall clock of the first sample. */
  readonly startedAtMs: number;
  readonly sampleRateHz: number;
  /** Bits per second of all channels together. */
  readonly bitRate: number;
  readonly channels: number;
  readonly participants: readonly { readonly participantId: string; readonly channel?: number }[];
  readonly pauses: readonly { readonly startedAtMs: number; readonly durationMs: number }[];
  /**
   * SHA-256 of the samples, hex: of the file from its first byte of media on (for WAV, byte 44).
   * Not of the header: that stands first and is known last, and hours are not read again at the end.
   */
  readonly sha256: string;
  /** Packets that came more than the late window after their place; they are in the journal only. */
  readonly latePackets: number;
  /** Bytes cut from a torn journal, 0 for a whole one. */
  readonly tornBytes: number;
};

/** The render workers as the calls see them. */
export interface RenderPort {
  /** Begins to trail the journal; resolves when the job is taken. */
  follow(job: RenderJob): Promise<void>;
  /**
   * The journal has ended (or the process that wrote it died): renders what is left, syncs and
   * verifies the file. Works without a preceding `follow`. The same job gives the same bytes.
   * Resolves with no chunk when nothing was recorded (zero duration).
   */
  finish(job: RenderJob): Promise<readonly RenderedChunk[]>;
  /** Forgets the job and its unfinished blob. Idempotent. */
  abandon(recordingId: RecordingId): Promise<void>;
}
