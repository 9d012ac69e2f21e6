import type { LegId, RecordingId, ServerCallId } from '../ids.ts';
import type { RemoteMedia } from '../media-format.ts';
import type { Tone } from '../tone.ts';
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
  /**
   * Nothing of what is played is written, and of these legs only (`all`: of every one), which are listened to:
   * `voiceChanged` and `JournalEnd.heard` tell what they do. Default: everything is written, unheard.
   */
  readonly voicesOf?: readonly LegId[] | 'all';
};

export type JournalEndReason =
  'stopped' | 'call-ended' | 'initiator-left' | 'disk-failed' | 'shutdown';

export type JournalEnd = {
  /** Wall clock at which the recording ended. */
  readonly endedAtMs: number;
  readonly durationMs: number;
  /** Of a journal with `voicesOf`. */
  readonly heard?: HeardVoices;
};

/** What was heard in a journal's recording. Times are ms of what is recorded: from its start, or its first resumption. */
export type HeardVoices = {
  readonly lengthMs: number;
  /** Accepted, whatever was in them. */
  readonly packets: number;
  /** Somebody spoke, and nobody does since then; `undefined` while somebody does, or nobody ever did. */
  readonly silentSinceMs?: number;
  /** The last speech did not end: nothing more came of it. */
  readonly hasBrokenOff: boolean;
  /** The last key that was pressed, and when. */
  readonly tone?: { readonly tone: Tone; readonly atMs: number };
};

/** What media workers report on their own. */
export type MediaEvents = {
  /** The first packet was accepted on a leg. */
  legReceiving: [legId: LegId];
  /** Nothing was received on a leg for `silentMs`, though media was expected. */
  legSilent: [legId: LegId, silentMs: number];
  /** The journal could not be written any further; what was written is whole up to `end`. */
  journalFailed: [recordingId: RecordingId, end: JournalEnd, systemCode: string];
  /** Of a journal with `voicesOf`: somebody began to speak, or nobody does any more; and how long ago that was. */
  voiceChanged: [recordingId: RecordingId, isSpeaking: boolean, agoMs: number];
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
  /**
   * As `resumeJournal`, as soon as this player has given out all that it has, to the sample. Never if it
   * ends in another way. Resolves at once.
   */
  resumeJournalAfter(recordingId: RecordingId, playId: string): Promise<void>;
  /** Closes the journal with an end marker; all of it is on disk when this resolves. Idempotent. */
  endJournal(recordingId: RecordingId, reason: JournalEndReason): Promise<JournalEnd>;
  /** Closes legs and journals that are still open. */
  closeCall(serverCallId: ServerCallId): Promise<void>;
  on<K extends keyof MediaEvents>(event: K, listener: (...args: MediaEvents[K]) => void): void;
}
