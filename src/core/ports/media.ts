import type { LegId, RecordingId, ServerCallId } from '../ids.ts';
import type { RemoteMedia } from '../media-format.ts';
import type { SocketAddress } from './datagram.ts';

export type OpenLeg = {
  readonly serverCallId: ServerCallId;
  readonly legId: LegId;
  /** Raw id of the participant whose voice this leg carries; written into journals. */
  readonly participantId: string;
  readonly addressFamily: 'IPv4' | 'IPv6';
};

export type LegSockets = { readonly rtp: SocketAddress; readonly rtcp: SocketAddress };

export type OpenJournal = {
  readonly serverCallId: ServerCallId;
  readonly recordingId: RecordingId;
  /** A directory of the journal's own; made if it is not there. */
  readonly directory: string;
  /** Begins with the gate closed: nothing is written before `resumeJournal`. Default false. */
  readonly paused?: boolean;
};

export type JournalEndReason =
  'stopped' | 'call-ended' | 'initiator-left' | 'disk-failed' | 'shutdown';

export type JournalEnd = {
  /** Wall clock at which the recording ended. */
  readonly endedAtMs: number;
  readonly durationMs: number;
};

/** What media workers report on their own. */
export type MediaEvents = {
  /** The first packet was accepted on a leg. */
  legReceiving: [legId: LegId];
  /** Nothing was received on a leg for `silentMs`, though media was expected. */
  legSilent: [legId: LegId, silentMs: number];
  /** The journal could not be written any further; what was written is whole up to `end`. */
  journalFailed: [recordingId: RecordingId, end: JournalEnd, systemCode: string];
  /** The worker died; its calls have no media any more. */
  workerLost: [calls: readonly ServerCallId[]];
};

/**
 * The media workers as the calls see them. A bridge comes into being with the first leg or
 * journal of a call and goes with `closeCall`.
 */
export interface MediaPort {
  /** Rejects with `argument-invalid` if the leg is open already. */
  openLeg(request: OpenLeg): Promise<LegSockets>;
  /**
   * Sets or replaces what offer and answer agreed on. Reopens latching. Rejects with
   * `participant-not-found` if the leg is not open.
   */
  setLegMedia(legId: LegId, remote: RemoteMedia): Promise<void>;
  /** Idempotent; resolves when the sockets are closed and journals have the leave marker. */
  closeLeg(legId: LegId): Promise<void>;
  /**
   * Resolves when the first bytes are durable. Packets are journaled from then on. Rejects with
   * `recording-conflict` if the recording has a journal already, or with `disk-failed`.
   */
  openJournal(request: OpenJournal): Promise<{ readonly startedAtMs: number }>;
  /**
   * Closes the gate: resolves when no packet is appended any more. `pausedAtMs`: wall clock. Idempotent.
   * Rejects with `recording-not-found` if no journal is open.
   */
  pauseJournal(recordingId: RecordingId): Promise<{ readonly pausedAtMs: number }>;
  /**
   * Opens the gate. A packet passes from then on only if its place on the timeline is not before this
   * moment: what was sent while paused stays out, however late it comes. Idempotent.
   */
  resumeJournal(recordingId: RecordingId): Promise<{ readonly resumedAtMs: number }>;
  /** Closes the journal with an end marker; all of it is on disk when this resolves. Idempotent. */
  endJournal(recordingId: RecordingId, reason: JournalEndReason): Promise<JournalEnd>;
  /** Closes legs and journals that are still open. */
  closeCall(serverCallId: ServerCallId): Promise<void>;
  on<K extends keyof MediaEvents>(event: K, listener: (...args: MediaEvents[K]) => void): void;
}
