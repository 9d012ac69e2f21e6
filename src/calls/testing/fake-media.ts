import { EventEmitter } from 'node:events';
import { TapedeckError } from '../../core/error.ts';
import type { LegId, RecordingId } from '../../core/ids.ts';
import type { ManualClock } from '../../core/manual-clock.ts';
import type { RemoteMedia } from '../../core/media-format.ts';
import type { JournalEnd, MediaEvents, MediaPort } from '../../core/ports/media.ts';

/** Journals and legs that are open, and the order in which things were asked for. */
export class FakeMedia implements MediaPort {
  readonly log: string[] = [];
  readonly legs: Map<LegId, RemoteMedia | undefined> = new Map();
  readonly journals: Set<RecordingId> = new Set();
  readonly #clock: ManualClock;
  readonly #events = new EventEmitter<MediaEvents>();
  /** No port is left. */
  exhausted = false;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  openLeg: MediaPort['openLeg'] = (request) => {
    if (this.exhausted)
      return Promise.reject(new TapedeckError('ports-exhausted', 'no port is free'));
    this.legs.set(request.legId, undefined);
    this.log.push(`leg ${request.participantId}`);
    const rtp = { address: '127.0.0.1', port: 20_000 + this.legs.size * 2 };
    return Promise.resolve({ rtp, rtcp: { ...rtp, port: rtp.port + 1 } });
  };

  setLegMedia: MediaPort['setLegMedia'] = (legId, remote) => {
    this.legs.set(legId, remote);
    return Promise.resolve();
  };

  closeLeg: MediaPort['closeLeg'] = (legId) => {
    this.legs.delete(legId);
    return Promise.resolve();
  };

  openJournal: MediaPort['openJournal'] = (request) => {
    this.journals.add(request.recordingId);
    this.log.push('journal opened');
    return Promise.resolve({ startedAtMs: this.#clock.nowMs() });
  };

  endJournal: MediaPort['endJournal'] = (recordingId, reason) => {
    this.journals.delete(recordingId);
    this.log.push(`journal ended ${reason}`);
    return Promise.resolve({ endedAtMs: this.#clock.nowMs(), durationMs: 1_000 });
  };

  closeCall: MediaPort['closeCall'] = () => {
    this.log.push('call closed');
    this.legs.clear();
    return Promise.resolve();
  };

  on: MediaPort['on'] = (event, listener) => {
    this.#events.on(event, listener as never);
  };

  fail(recordingId: RecordingId, end: JournalEnd): void {
    this.emit('journalFailed', recordingId, end, 'ENOSPC');
  }

  emit<K extends keyof MediaEvents>(event: K, ...args: MediaEvents[K]): void {
    this.#events.emit(event, ...(args as never));
  }
}
