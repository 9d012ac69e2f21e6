import type { JournalEndReason } from '../core/ports/media.ts';
import type { RenderedChunk } from '../core/ports/render.ts';

/** Why a recording ended, for its events and metadata: docs/recording-ends.md has the whole table. */
export type RecordingEndReason =
  | 'RecordingStopped'
  | 'CallEnded'
  | 'InitiatorLeft'
  | 'ServerShutdown'
  | 'StorageFull'
  /** The media worker of the call died. */
  | 'MediaFailure'
  /** The process died; the next one finished the recording. */
  | 'ServerFailure';

/** How a journal says it, where there is somebody left to write it. */
export const JOURNAL_REASON: Readonly<
  Record<Exclude<RecordingEndReason, 'StorageFull' | 'ServerFailure'>, JournalEndReason>
> = {
  RecordingStopped: 'stopped',
  CallEnded: 'call-ended',
  InitiatorLeft: 'initiator-left',
  ServerShutdown: 'shutdown',
  // Asked for all the same: a worker that is there after all closes it.
  MediaFailure: 'call-ended',
};

/** A reason for which somebody can ask. */
export type RequestedEnd = keyof typeof JOURNAL_REASON;

/** `endReason` of a chunk, in the words of the service. */
export const CHUNK_END_REASON: Readonly<Record<RenderedChunk['ending'], string>> = {
  'session-ended': 'SessionEnded',
  'duration-limit': 'ChunkMaximumDurationExceeded',
  'size-limit': 'ChunkMaximumSizeExceeded',
};
