import type { DocumentId, RecordingId } from '../ids.ts';
import type { ExportTarget } from './export.ts';

/** What is made of a recording, and how; stored with it, so that a restart makes the same. */
export type RenderPlan = {
  readonly format: RenderFormat;
  /** For `unmixed` only. */
  readonly channels: ChannelPlan;
  readonly chunks: ChunkLimits;
};

export type RenderFormat = {
  readonly container: 'wav' | 'mp3';
  readonly channels: 'mixed' | 'unmixed';
};

/** Who gets which channel: those pinned from the start, the others in the order in which they first speak. */
export type ChannelPlan = {
  /** 1 to 32. */
  readonly limit: number;
  /** Raw ids, each once, each channel once; they may name people who never come. */
  readonly pinned: readonly { readonly participantId: string; readonly channel: number }[];
  /** What becomes of somebody who speaks when every channel is taken. */
  readonly overflow: 'leave-out' | 'last-channel';
  /**
   * What becomes of what the server itself plays into the call: a channel behind those of the participants,
   * beyond the limit, from the first chunk on that has something of it. Default `leave-out`.
   */
  readonly played?: 'leave-out' | 'own-channel';
};

/** Whichever is reached first ends a chunk; a chunk has a second of media at least. */
export type ChunkLimits = {
  /** Of the file, without what was paused. */
  readonly durationMs: number;
  readonly sizeBytes: number;
};

/** A recording to be turned into files. */
export type RenderJob = {
  readonly recordingId: RecordingId;
  readonly journalDirectory: string;
  /** Of the first chunk; those of the others follow from it by `chunkDocumentId`. */
  readonly documentId: DocumentId;
  /** Directory in the blob store: `recordings`, so that chunk 0 is `recordings/<document>.wav`. */
  readonly blobDirectory: string;
  readonly plan: RenderPlan;
  /**
   * The last file ends after so much media in all, whatever the journal still holds. Default: with the journal.
   * May be given to `finish` only, after a `follow` that did not know it.
   */
  readonly mostMs?: number;
  /** The caller's own container, to which the files are copied as they grow. */
  readonly exportTo?: ExportTarget;
};

/** A stored, verified chunk of a recording. */
export type RenderedChunk = {
  readonly documentId: DocumentId;
  readonly blobKey: string;
  /** The waveform's peaks, per channel: JSON as `audiowaveform` writes it. */
  readonly peaksKey: string;
  /** Of the chunks of a recording, from 0. */
  readonly index: number;
  /** Why the chunk ends where it does. */
  readonly ending: 'session-ended' | 'duration-limit' | 'size-limit';
  readonly sizeBytes: number;
  /** Media in the file. */
  readonly durationMs: number;
  /** Wall clock of the first sample. */
  readonly startedAtMs: number;
  readonly sampleRateHz: number;
  /** Bits per second of all channels together. */
  readonly bitRate: number;
  readonly channels: number;
  /**
   * Those who were in the call during the chunk, in the order in which they first joined; behind them, if
   * what was played has a channel, the applications that played during the chunk.
   */
  readonly participants: readonly { readonly participantId: string; readonly channel?: number }[];
  /**
   * Those in the chunk, and the one between it and the next; of the first chunk also that in which
   * the recording began, which is before `startedAtMs`. So each pause is told once.
   */
  readonly pauses: readonly { readonly startedAtMs: number; readonly durationMs: number }[];
  /**
   * SHA-256 of the media, hex: of the file behind its header (for mono WAV, from byte 44).
   * Not of the header: that stands first and is known last, and hours are not read again at the end.
   */
  readonly sha256: string;
  /** Packets of the chunk that came more than the late window after their place; they are in the journal only. */
  readonly latePackets: number;
  /** Bytes cut from a torn journal, 0 for a whole one. */
  readonly tornBytes: number;
  /** With `exportTo`: the file is in the container too, whole and compared. */
  readonly isExported: boolean;
};

/** The render workers as the calls see them. */
export interface RenderPort {
  /** Begins to trail the journal; resolves when the job is taken. */
  follow(job: RenderJob): Promise<void>;
  /**
   * The journal has ended (or the process that wrote it died): renders what is left, syncs and
   * verifies the files. Works without a preceding `follow`. The same job gives the same bytes.
   * Resolves with the chunks in their order, with none when nothing was recorded (zero duration).
   * An export that fails is given up and said in the chunk; it never makes this reject.
   */
  finish(job: RenderJob): Promise<readonly RenderedChunk[]>;
  /** Forgets a recording that is trailed, in all the ways it is rendered, with its blobs. Idempotent. */
  abandon(recordingId: RecordingId): Promise<void>;
}
