import type { OperationInput } from '../../core/call-operations-model.ts';
import type { PlayedClip } from '../../core/ports/call-media.ts';

/** What an operation of kind `record` records into. */
export interface OperationRecording {
  /** Played before it begins, where the operation has a beep. */
  readonly beep: PlayedClip;
  /**
   * Resolves when it may begin at any moment. What becomes of it afterwards is reported, until it has ended.
   */
  open(
    report: (input: OperationInput & { readonly is: 'speech' | 'record-failed' }) => void,
  ): Promise<void>;
  /** It begins when this player, which is not started yet, has given out all that it has. */
  beginAfter(playId: string): Promise<void>;
  /** It begins now, unless it has begun. */
  begin(): void;
  /** Nothing that is said from now on is wanted. Idempotent. */
  end(): void;
}
