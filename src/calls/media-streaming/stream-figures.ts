/** Why a frame did not go to an application. */
export type StreamDropReason = 'slow' | 'reconnecting';

/** What became of the audio that applications were to hear, on all streams since the start. */
export class StreamFigures {
  /** Web sockets that are open now. */
  open = 0;
  /**
   * Frames of 20 ms: `slow`, the application had not read what was sent before; `reconnecting`, its
   * connection was lost and there was no other one yet.
   */
  readonly droppedFrames: Record<StreamDropReason, number> = { slow: 0, reconnecting: 0 };
}
