import { EventEmitter } from 'node:events';
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
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { DatagramNetwork } from '../core/ports/datagram.ts';
import type { Disk } from '../core/ports/disk.ts';
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
import type { Random } from '../core/ports/random.ts';
import type { Tone } from '../core/tone.ts';
import { loadCodecs, type Codecs } from '../media/codecs.ts';
import { CallBridge } from './call-bridge.ts';
import { receiveWaiting } from './datagram/sleeping-network.ts';
import { HostSounds } from './host-sounds.ts';
import { HostJournals, type JournalSettings } from './host-journals.ts';
import type { InBandMode } from './in-band-tones.ts';
import { Leg } from './leg.ts';
import { LegPorts, type PortRange } from './leg-ports.ts';
import { Clockwork } from './mix/clockwork.ts';
import { MediaCounters, type MediaStatistics } from './media-statistics.ts';
import type { MixerParts } from './mix/call-mixer.ts';
import { reportDelayMs } from './reports.ts';

/** How often it is looked at what time brings about: silence, reports, waiting sources. */
const TEND_MS = 100;
export const DEFAULT_SILENCE_MS = 20_000;
export type MediaHostOptions = {
  /** Not closed by the host. */
  readonly datagrams: DatagramNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly log: Logger;
  readonly disk: Disk;
  readonly rtpPorts: PortRange;
  /** Address to bind, by family; a family without one is not served. */
  readonly hosts: { readonly IPv4?: string; readonly IPv6?: string };
  readonly journal: JournalSettings;
  /** A leg that should send and does not is reported after this much. Default 20,000. */
  readonly silenceMs?: number;
  /** Whether keys are looked for in the sound of G.711. Default `off`. */
  readonly inBandTones?: InBandMode;
};

type HostEvents = MediaEvents & CallMediaEvents;
type LegEntry = { readonly leg: Leg; readonly call: CallBridge };

/** The media of the calls of one worker thread. */
export class MediaHost implements MediaPort, CallMediaPort {
  readonly #options: MediaHostOptions;
  readonly #clock: Clock;
  readonly #ports: LegPorts;
  readonly #journals: HostJournals;
  readonly #sounds: HostSounds;
  readonly #mixerParts: MixerParts;
  readonly #counters = new MediaCounters();
  readonly #emitter = new EventEmitter<HostEvents>();
  readonly #calls = new Map<ServerCallId, CallBridge>();
  readonly #legs = new Map<LegId, LegEntry>();
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;

  /** With all codecs. */
  static async open(options: Omit<MediaHostOptions, 'codecs'>): Promise<MediaHost> {
    return new MediaHost({ ...options, codecs: await loadCodecs() });
  }

  constructor(options: MediaHostOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#journals = new HostJournals(options, {
      onFailed: (recordingId, end, code) =>
        this.#emitter.emit('journalFailed', recordingId, end, code),
      onVoiceChanged: (recordingId, isSpeaking, agoMs) =>
        this.#emitter.emit('voiceChanged', recordingId, isSpeaking, agoMs),
    });
    this.#sounds = new HostSounds({
      clock: options.clock,
      calls: this.#calls,
      randomSsrc: () => this.#randomBelow(2 ** 32),
      onPlayEnded: (playId, end, silentFromUs) => {
        this.#emitter.emit('playEnded', playId, end);
        // Whoever speaks already is told of when it is known what that is the beginning of.
        this.#journals.playEnded(playId, silentFromUs);
      },
      onStreamFrame: (streamId, frame) => this.#emitter.emit('streamFrame', streamId, frame),
    });
    const { clock, codecs } = options;
    const clockwork = new Clockwork(clock, (frames) => {
      this.#counters.framesLeftOut += frames;
    });
    this.#mixerParts = { clock, codecs, clockwork };
    this.#ports = new LegPorts(options.datagrams, options.rtpPorts, options.random);
  }

  on<K extends keyof HostEvents>(event: K, listener: (...args: HostEvents[K]) => void): void {
    // The emitter's type cannot follow a generic name; `HostEvents` already ties both together.
    (this.#emitter as EventEmitter).on(event, listener as (...args: unknown[]) => void);
  }

  async openLeg(request: OpenLeg): Promise<LegSockets> {
    const { serverCallId, legId, participantId, addressFamily } = request;
    const host = this.#options.hosts[addressFamily];
    if (host === undefined) {
      throw new TapedeckError(
        'not-supported',
        `no media address is configured for ${addressFamily}`,
        {
          field: 'addressFamily',
        },
      );
    }
    if (this.#legs.has(legId)) {
      throw new TapedeckError('argument-invalid', `leg ${legId} is open already`, {
        field: 'legId',
      });
    }
    const call = this.#callOf(serverCallId);
    const { random } = this.#options;
    const leg = new Leg({
      legId,
      participantId,
      host,
      clock: this.#clock,
      counters: this.#counters,
      events: {
        onReceiving: (id) => this.#emitter.emit('legReceiving', id),
        onSilent: (id, silentMs) => this.#emitter.emit('legSilent', id, silentMs),
        onTone: (id, tone, durationMs) => this.#emitter.emit('toneReceived', id, tone, durationMs),
      },
      start: {
        ssrc: this.#randomBelow(2 ** 32),
        // RFC 3711 §3.3.1 wants the first wrap to be far away; it costs nothing here.
        sequenceNumber: this.#randomBelow(2 ** 15),
        timestamp: this.#randomBelow(2 ** 32),
      },
      cname: random.hex(12),
      silenceMs: this.#options.silenceMs ?? DEFAULT_SILENCE_MS,
      codecs: this.#options.codecs,
      inBandTones: this.#options.inBandTones ?? 'off',
    });
    this.#legs.set(legId, { leg, call });
    call.add(leg);
    this.#startTimer();
    const opening = this.#ports.open(host, leg.receiveRtp, leg.receiveRtcp);
    call.opening.add(opening);
    try {
      const pair = await opening;
      if (this.#legs.get(legId)?.leg !== leg) {
        this.#ports.release(host, pair);
        throw new TapedeckError('call-ended', 'the leg was closed while its ports were opened');
      }
      return leg.attach(pair);
    } catch (error) {
      this.#forgetLeg(leg, call);
      throw error;
    } finally {
      call.opening.delete(opening);
    }
  }

  async setLegMedia(legId: LegId, remote: RemoteMedia): Promise<void> {
    const entry = this.#legs.get(legId);
    if (entry === undefined) {
      throw new TapedeckError('participant-not-found', `no leg ${legId} is open`);
    }
    entry.call.setMedia(entry.leg, remote);
    entry.leg.nextReportUs ??= this.#nextReportUs();
    await Promise.resolve();
  }

  controlLeg(legId: LegId, control: LegControl): Promise<void> {
    receiveWaiting(this.#options.datagrams);
    const entry = this.#legs.get(legId);
    if (entry === undefined) {
      return Promise.reject(new TapedeckError('participant-not-found', `no leg ${legId} is open`));
    }
    entry.call.control(entry.leg, control);
    return Promise.resolve();
  }

  async sendTones(legId: LegId, tones: readonly Tone[]): Promise<void> {
    const entry = this.#legs.get(legId);
    if (entry === undefined) {
      throw new TapedeckError('participant-not-found', `no leg ${legId} is open`);
    }
    await entry.leg.sendTones(tones);
  }

  closeLeg(legId: LegId): Promise<void> {
    receiveWaiting(this.#options.datagrams);
    const entry = this.#legs.get(legId);
    if (entry !== undefined) this.#forgetLeg(entry.leg, entry.call);
    return Promise.resolve();
  }

  async startPlay(request: PlayAudio): Promise<void> {
    this.#sounds.startPlay(request);
    await Promise.resolve();
  }

  stopPlay(playId: string): Promise<void> {
    this.#sounds.stopPlay(playId);
    return Promise.resolve();
  }

  async openStream(request: OpenAudioStream): Promise<void> {
    this.#sounds.openStream(request);
    await Promise.resolve();
  }

  closeStream(streamId: string): Promise<void> {
    this.#sounds.closeStream(streamId);
    return Promise.resolve();
  }

  /** Takes ownership of `samples`. */
  feedStream(streamId: string, samples: Int16Array): Promise<void> {
    this.#sounds.feedStream(streamId, samples);
    return Promise.resolve();
  }

  flushStream(streamId: string): Promise<void> {
    this.#sounds.flushStream(streamId);
    return Promise.resolve();
  }

  openJournal(request: OpenJournal): Promise<{ readonly startedAtMs: number }> {
    return this.#journals.open(request, () => this.#callOf(request.serverCallId));
  }

  async pauseJournal(recordingId: RecordingId): Promise<{ readonly pausedAtMs: number }> {
    const journal = await this.#journals.get(recordingId);
    receiveWaiting(this.#options.datagrams);
    return { pausedAtMs: journal.pause() };
  }

  async resumeJournal(recordingId: RecordingId): Promise<{ readonly resumedAtMs: number }> {
    return { resumedAtMs: (await this.#journals.get(recordingId)).resume() };
  }

  resumeJournalAfter(recordingId: RecordingId, playId: string): Promise<void> {
    return this.#journals.resumeAfter(recordingId, playId);
  }

  endJournal(recordingId: RecordingId, reason: JournalEndReason): Promise<JournalEnd> {
    receiveWaiting(this.#options.datagrams);
    return this.#journals.end(recordingId, reason);
  }

  async closeCall(serverCallId: ServerCallId): Promise<void> {
    const call = this.#calls.get(serverCallId);
    if (call !== undefined) await this.#closeCall(call, 'call-ended');
  }

  statistics(): MediaStatistics {
    return this.#counters.snapshot(this.#legs.size, this.#journals.size);
  }

  /** Ends every journal with `shutdown` and closes every leg; idempotent. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(
      [...this.#calls.values()].map((call) => this.#closeCall(call, 'shutdown')),
    ).then(() => {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#journals.close();
    });
    return this.#closing;
  }

  #callOf(serverCallId: ServerCallId): CallBridge {
    if (this.#closing !== undefined) {
      throw new TapedeckError('shutting-down', 'the media worker is stopping');
    }
    let call = this.#calls.get(serverCallId);
    if (call === undefined) {
      call = new CallBridge(serverCallId, this.#mixerParts, this.#sounds.events);
      this.#calls.set(serverCallId, call);
    }
    return call;
  }

  async #closeCall(call: CallBridge, reason: JournalEndReason): Promise<void> {
    receiveWaiting(this.#options.datagrams);
    call.isClosed = true;
    if (this.#calls.get(call.serverCallId) === call) this.#calls.delete(call.serverCallId);
    const ends = this.#journals.endAllOf(call, reason);
    this.#sounds.forget(call);
    for (const leg of [...call.legs]) this.#forgetLeg(leg, call);
    await Promise.allSettled([...ends, ...call.opening]);
  }

  #forgetLeg(leg: Leg, call: CallBridge): void {
    if (this.#legs.get(leg.legId)?.leg === leg) this.#legs.delete(leg.legId);
    call.remove(leg);
    const pair = leg.close();
    if (pair !== undefined) this.#ports.release(leg.host, pair);
  }

  #startTimer(): void {
    this.#timer ??= this.#clock.setTimer(TEND_MS, () => {
      this.#timer = undefined;
      this.#tend();
      if (this.#legs.size > 0) this.#startTimer();
    });
  }

  #tend(): void {
    const nowUs = this.#clock.monotonicUs();
    this.#journals.tend(nowUs);
    for (const { leg } of this.#legs.values()) {
      leg.tend(nowUs);
      if (leg.nextReportUs === undefined || nowUs < leg.nextReportUs) continue;
      leg.report(nowUs);
      leg.nextReportUs = this.#nextReportUs();
    }
  }

  #nextReportUs(): number {
    return this.#clock.monotonicUs() + reportDelayMs(this.#options.random.fraction()) * 1000;
  }

  #randomBelow(limit: number): number {
    return Math.floor(this.#options.random.fraction() * limit);
  }
}
