import { EventEmitter } from 'node:events';
import type { InBandMode } from '../bridge/in-band-tones.ts';
import type { MediaStatistics } from '../bridge/media-statistics.ts';
import { TapedeckError } from '../core/error.ts';
import type { LegId, RecordingId, ServerCallId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type {
  CallMediaEvents,
  CallMediaPort,
  LegControl,
  OpenAudioStream,
  PlayAudio,
} from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import type {
  JournalEnd,
  JournalEndReason,
  LegSockets,
  MediaEvents,
  MediaPort,
  OpenJournal,
  OpenLeg,
} from '../core/ports/media.ts';
import type { Tone } from '../core/tone.ts';
import { LastingThread } from './lasting-thread.ts';
import { MediaSounds } from './media-sounds.ts';
import { portShares } from './port-shares.ts';

export type MediaWorkerData = {
  readonly nodeId: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly rtpPorts: { readonly from: number; readonly to: number };
  readonly hosts: { readonly IPv4?: string; readonly IPv6?: string };
  readonly reservePath: string;
  readonly flushMs: number;
  readonly syncMs: number;
  /** Whether keys are looked for in the sound of G.711. Default `off`. */
  readonly inBandTones?: InBandMode;
};

type WorkerEvents = MediaEvents & CallMediaEvents;

type Slot = {
  readonly thread: LastingThread;
  readonly calls: Set<ServerCallId>;
};

/** The media workers: each call lives in one of them, the emptiest when it began. */
export class MediaWorkers implements MediaPort, CallMediaPort {
  readonly #emitter = new EventEmitter();
  readonly #slots: Slot[];
  readonly #slotOfCall = new Map<ServerCallId, Slot>();
  readonly #callOfLeg = new Map<LegId, ServerCallId>();
  readonly #callOfRecording = new Map<RecordingId, ServerCallId>();
  readonly #sounds = new MediaSounds((call) => this.#slotOfCall.get(call)?.thread);
  #closing: Promise<void> | undefined;

  /**
   * Shares the ports of `data.rtpPorts` out between `count` workers.
   * `entry` runs in the threads instead of their own module; see `serveMedia`.
   */
  constructor(
    count: number,
    data: MediaWorkerData,
    parts: { readonly clock: Clock; readonly log: Logger; readonly entry?: URL | undefined },
  ) {
    this.#slots = portShares(data.rtpPorts, count).map((rtpPorts) => {
      const calls = new Set<ServerCallId>();
      const thread = new LastingThread({
        ...parts,
        name: 'media',
        data: { ...data, rtpPorts },
        onEvent: (name, args) => {
          if (name === 'playEnded') this.#sounds.playEnded(args[0] as string);
          this.#emitter.emit(name, ...args);
        },
        onLost: () => {
          const lost = [...calls];
          for (const call of lost) this.#lose(call);
          this.#emitter.emit('workerLost', lost);
        },
      });
      return { thread, calls };
    });
  }

  on<K extends keyof WorkerEvents>(event: K, listener: (...args: WorkerEvents[K]) => void): void {
    this.#emitter.on(event, listener as (...args: unknown[]) => void);
  }

  async openLeg(request: OpenLeg): Promise<LegSockets> {
    this.#callOfLeg.set(request.legId, request.serverCallId);
    try {
      return await this.#slot(request.serverCallId).thread.request('openLeg', request);
    } catch (error) {
      this.#callOfLeg.delete(request.legId);
      throw error;
    }
  }

  async setLegMedia(legId: LegId, remote: RemoteMedia): Promise<void> {
    await this.#slotWithLeg(legId).thread.request('setLegMedia', legId, remote);
  }

  async controlLeg(legId: LegId, control: LegControl): Promise<void> {
    await this.#slotWithLeg(legId).thread.request('controlLeg', legId, control);
  }

  async sendTones(legId: LegId, tones: readonly Tone[]): Promise<void> {
    await this.#slotWithLeg(legId).thread.request('sendTones', legId, tones);
  }

  startPlay(request: PlayAudio): Promise<void> {
    return this.#sounds.startPlay(request);
  }

  stopPlay(playId: string): Promise<void> {
    return this.#sounds.stopPlay(playId);
  }

  openStream(request: OpenAudioStream): Promise<void> {
    return this.#sounds.openStream(request);
  }

  closeStream(streamId: string): Promise<void> {
    return this.#sounds.closeStream(streamId);
  }

  feedStream(streamId: string, samples: Int16Array): Promise<void> {
    return this.#sounds.feedStream(streamId, samples);
  }

  flushStream(streamId: string): Promise<void> {
    return this.#sounds.flushStream(streamId);
  }

  async closeLeg(legId: LegId): Promise<void> {
    const slot = this.#slotOfLeg(legId);
    this.#callOfLeg.delete(legId);
    await slot?.thread.request('closeLeg', legId);
  }

  async openJournal(request: OpenJournal): Promise<{ readonly startedAtMs: number }> {
    const { recordingId, serverCallId } = request;
    this.#callOfRecording.set(recordingId, serverCallId);
    try {
      return await this.#slot(serverCallId).thread.request('openJournal', request);
    } catch (error) {
      this.#callOfRecording.delete(recordingId);
      throw error;
    }
  }

  async pauseJournal(recordingId: RecordingId): Promise<{ readonly pausedAtMs: number }> {
    return this.#slotOfRecording(recordingId).thread.request('pauseJournal', recordingId);
  }

  async resumeJournal(recordingId: RecordingId): Promise<{ readonly resumedAtMs: number }> {
    return this.#slotOfRecording(recordingId).thread.request('resumeJournal', recordingId);
  }

  async resumeJournalAfter(recordingId: RecordingId, playId: string): Promise<void> {
    const { thread } = this.#slotOfRecording(recordingId);
    await thread.request('resumeJournalAfter', recordingId, playId);
  }

  async endJournal(recordingId: RecordingId, reason: JournalEndReason): Promise<JournalEnd> {
    const slot = this.#slotOfRecording(recordingId);
    const end = await slot.thread.request<JournalEnd>('endJournal', recordingId, reason);
    this.#callOfRecording.delete(recordingId);
    return end;
  }

  async closeCall(serverCallId: ServerCallId): Promise<void> {
    const slot = this.#slotOfCall.get(serverCallId);
    this.#forget(serverCallId);
    this.#sounds.forget(serverCallId);
    await slot?.thread.request('closeCall', serverCallId);
  }

  /** Of each worker that answers. */
  async statistics(): Promise<readonly MediaStatistics[]> {
    const answers = await Promise.allSettled(
      this.#slots.map((slot) => slot.thread.request<MediaStatistics>('statistics')),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Ends journals and closes sockets that are still open. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#slots.map((slot) => slot.thread.close())).then(
      () => undefined,
    );
    return this.#closing;
  }

  #slot(serverCallId: ServerCallId): Slot {
    const known = this.#slotOfCall.get(serverCallId);
    if (known !== undefined) return known;
    const living = this.#slots.filter((slot) => slot.thread.isUp);
    const emptiest = (living.length > 0 ? living : this.#slots).reduce((best, slot) =>
      slot.calls.size < best.calls.size ? slot : best,
    );
    emptiest.calls.add(serverCallId);
    this.#slotOfCall.set(serverCallId, emptiest);
    return emptiest;
  }

  #slotOfRecording(recordingId: RecordingId): Slot {
    const serverCallId = this.#callOfRecording.get(recordingId);
    const slot = serverCallId === undefined ? undefined : this.#slotOfCall.get(serverCallId);
    if (slot === undefined) {
      throw new TapedeckError('recording-not-found', `no journal of ${recordingId} is open`);
    }
    return slot;
  }

  #slotWithLeg(legId: LegId): Slot {
    const slot = this.#slotOfLeg(legId);
    if (slot === undefined) {
      throw new TapedeckError('participant-not-found', `no leg ${legId} is open`);
    }
    return slot;
  }

  #slotOfLeg(legId: LegId): Slot | undefined {
    const serverCallId = this.#callOfLeg.get(legId);
    return serverCallId === undefined ? undefined : this.#slotOfCall.get(serverCallId);
  }

  /** The call's worker died: its players report no end of their own any more. */
  #lose(serverCallId: ServerCallId): void {
    this.#forget(serverCallId);
    for (const playId of this.#sounds.forget(serverCallId)) {
      this.#sounds.playEnded(playId);
      this.#emitter.emit('playEnded', playId, 'no-listener');
    }
  }

  #forget(serverCallId: ServerCallId): void {
    this.#slotOfCall.get(serverCallId)?.calls.delete(serverCallId);
    this.#slotOfCall.delete(serverCallId);
    for (const [leg, call] of this.#callOfLeg) {
      if (call === serverCallId) this.#callOfLeg.delete(leg);
    }
    for (const [recording, call] of this.#callOfRecording) {
      if (call === serverCallId) this.#callOfRecording.delete(recording);
    }
  }
}
