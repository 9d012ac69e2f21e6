import { EventEmitter } from 'node:events';
import { TapedeckError } from '../../core/error.ts';
import type { LegId, RecordingId, ServerCallId } from '../../core/ids.ts';
import type { ManualClock } from '../../core/manual-clock.ts';
import type { RemoteMedia } from '../../core/media-format.ts';
import type { HeardVoices, JournalEnd, MediaEvents, MediaPort } from '../../core/ports/media.ts';
import type { Pace } from './pace.ts';

/**
 * What is open in the media workers, and the order in which things were asked for. As with the real
 * ones a request counts from when it is made, and its answer comes later.
 */
export class FakeMedia implements MediaPort {
  readonly log: string[] = [];
  readonly legs: Map<LegId, RemoteMedia | undefined> = new Map();
  readonly journals: Set<RecordingId> = new Set();
  /** Journals whose gate is closed. */
  readonly closedGates: Set<RecordingId> = new Set();
  /** Journals whose worker died. */
  readonly lostJournals: Set<RecordingId> = new Set();
  /** Calls for which something was opened and that were not closed. */
  readonly bridges: Set<ServerCallId> = new Set();
  readonly #clock: ManualClock;
  readonly #pace: Pace;
  readonly #callOf = new Map<LegId | RecordingId, ServerCallId>();
  readonly #events = new EventEmitter<MediaEvents>();
  /** What journals that are listened to heard. */
  heard: HeardVoices | undefined;
  /** No port is left. */
  exhausted = false;

  constructor(clock: ManualClock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  openLeg: MediaPort['openLeg'] = async (request) => {
    if (this.exhausted) throw new TapedeckError('ports-exhausted', 'no port is free');
    const { legId, serverCallId, participantId } = request;
    this.legs.set(legId, undefined);
    this.#callOf.set(legId, serverCallId);
    this.bridges.add(serverCallId);
    this.log.push(`leg ${participantId}`);
    const rtp = { address: '127.0.0.1', port: 20_000 + this.legs.size * 2 };
    await this.#pace.step();
    if (!this.legs.has(legId)) throw callEnded();
    return { rtp, rtcp: { ...rtp, port: rtp.port + 1 } };
  };

  setLegMedia: MediaPort['setLegMedia'] = async (legId, remote) => {
    if (this.legs.has(legId)) this.legs.set(legId, remote);
    await this.#pace.step();
  };

  closeLeg: MediaPort['closeLeg'] = async (legId) => {
    this.legs.delete(legId);
    await this.#pace.step();
  };

  openJournal: MediaPort['openJournal'] = async ({ recordingId, serverCallId, paused }) => {
    this.journals.add(recordingId);
    if (paused === true) this.closedGates.add(recordingId);
    this.#callOf.set(recordingId, serverCallId);
    this.bridges.add(serverCallId);
    this.log.push('journal opened');
    await this.#pace.step();
    if (!this.journals.has(recordingId)) throw callEnded();
    return { startedAtMs: this.#clock.nowMs() };
  };

  pauseJournal: MediaPort['pauseJournal'] = async (recordingId) => {
    this.#requireJournal(recordingId);
    this.closedGates.add(recordingId);
    this.log.push('journal paused');
    await this.#pace.step();
    return { pausedAtMs: this.#clock.nowMs() };
  };

  resumeJournal: MediaPort['resumeJournal'] = async (recordingId) => {
    this.#requireJournal(recordingId);
    this.closedGates.delete(recordingId);
    this.log.push('journal resumed');
    await this.#pace.step();
    return { resumedAtMs: this.#clock.nowMs() };
  };

  resumeJournalAfter: MediaPort['resumeJournalAfter'] = async (recordingId, playId) => {
    this.#requireJournal(recordingId);
    this.log.push(`journal resumed after ${playId}`);
    await this.#pace.step();
  };

  endJournal: MediaPort['endJournal'] = async (recordingId, reason) => {
    if (this.lostJournals.has(recordingId)) {
      throw new TapedeckError('worker-failed', 'the worker died');
    }
    this.journals.delete(recordingId);
    this.closedGates.delete(recordingId);
    this.log.push(`journal ended ${reason}`);
    const { heard } = this;
    const end = { endedAtMs: this.#clock.nowMs(), durationMs: 1_000, ...(heard && { heard }) };
    await this.#pace.step();
    return end;
  };

  closeCall: MediaPort['closeCall'] = async (serverCallId) => {
    this.log.push('call closed');
    this.#forget(serverCallId);
    await this.#pace.step();
  };

  on: MediaPort['on'] = (event, listener) => {
    this.#events.on(event, listener as never);
  };

  fail(recordingId: RecordingId, end: JournalEnd): void {
    this.journals.delete(recordingId);
    this.emit('journalFailed', recordingId, end, 'ENOSPC');
  }

  /** The worker of these calls dies. */
  lose(calls: readonly ServerCallId[]): void {
    for (const id of this.journals) {
      if (calls.includes(this.#callOf.get(id) ?? ('' as ServerCallId))) this.lostJournals.add(id);
    }
    for (const call of calls) this.#forget(call);
    this.emit('workerLost', calls);
  }

  emit<K extends keyof MediaEvents>(event: K, ...args: MediaEvents[K]): void {
    this.#events.emit(event, ...(args as never));
  }

  #requireJournal(recordingId: RecordingId): void {
    if (this.journals.has(recordingId)) return;
    throw new TapedeckError('recording-not-found', 'no journal is open');
  }

  #forget(serverCallId: ServerCallId): void {
    this.bridges.delete(serverCallId);
    for (const [id, call] of this.#callOf) {
      if (call !== serverCallId) continue;
      this.legs.delete(id as LegId);
      this.journals.delete(id as RecordingId);
      this.closedGates.delete(id as RecordingId);
    }
  }
}

function callEnded(): TapedeckError {
  return new TapedeckError('call-ended', 'the call ended meanwhile');
}
