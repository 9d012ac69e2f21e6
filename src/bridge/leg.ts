import type { LegId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { LegControl } from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { LegSockets } from '../core/ports/media.ts';
import type { Tone } from '../core/tone.ts';
import type { Codecs } from '../media/codecs.ts';
import { RtpHeaderReader } from '../protocols/rtp/header.ts';
import type { SrtpReceiver } from '../protocols/srtp/srtp-receiver.ts';
import type { JournalTap } from './call-journal.ts';
import { EarlyPackets } from './early-packets.ts';
import { recode } from './g711-map.ts';
import type { InBandMode, InBandTones } from './in-band-tones.ts';
import { IncomingStream } from './incoming-stream.ts';
import { Latch } from './latch.ts';
import { PAYLOAD_KIND, weReceive, type PayloadKind } from './leg-media.ts';
import type { SocketPair } from './leg-ports.ts';
import { LegSecurity } from './leg-security.ts';
import { LegSender } from './leg-sender.ts';
import { LegTones } from './leg-tones.ts';
import type { MediaCounters } from './media-statistics.ts';
import type { StreamStart } from './outgoing-stream.ts';
import type { PacketSink } from './packet-sink.ts';
import { payloadKinds } from './payload-tables.ts';
import type { Place, PlaceTracker } from './place-tracker.ts';
import { readReports } from './reports.ts';
import { VoiceGate } from './voice-gate.ts';

/** For all legs of a thread: a packet is done with before the next one is looked at. */
const HEADER = new RtpHeaderReader();

/** What a leg gives its listener; the first two at most once in a row. */
export type LegEvents = {
  readonly onReceiving: (legId: LegId) => void;
  readonly onSilent: (legId: LegId, silentMs: number) => void;
  /** Once for each press of a key. */
  readonly onTone: (legId: LegId, tone: Tone, durationMs: number) => void;
};

/** How packets of one leg reach another. */
export type Relay = {
  readonly to: Leg;
  /** Of `to`, so that a packet need not look there. */
  readonly sender: LegSender;
  /** The other leg's payload type by ours, −1 where it has none. */
  readonly payloadTypes: Int16Array;
  /** Recodes audio, `undefined` between legs of one codec. */
  readonly table: Uint8Array | undefined;
};

export type LegOptions = {
  readonly legId: LegId;
  readonly participantId: string;
  readonly host: string;
  readonly clock: Clock;
  readonly counters: MediaCounters;
  readonly events: LegEvents;
  readonly start: StreamStart;
  /** Canonical name in our RTCP (RFC 7022: random). */
  readonly cname: string;
  readonly silenceMs: number;
  readonly codecs: Codecs;
  /** Whether keys are looked for in the sound of G.711. */
  readonly inBandTones: InBandMode;
};

/**
 * One media path to a phone: accepts its packets, appends them to journals, relays them to the
 * other leg, and sends what the other leg relays here. Owns its two sockets.
 */
export class Leg {
  // What every packet looks at comes first and together: with many legs none of it is in the cache.
  /** Where accepted packets go; set by the bridge. */
  relay: Relay | undefined;
  /** Takes accepted packets in place of the relay; set by the bridge. */
  sink: PacketSink | undefined;
  /** Journals that listen; kept by `CallJournal`. */
  readonly taps: JournalTap[];
  /** Those that were paused a moment ago; kept by `CallJournal`. */
  readonly newTaps: JournalTap[];
  #media: RemoteMedia | undefined;
  #srtp: SrtpReceiver | undefined;
  #kinds: Uint8Array = new Uint8Array();
  readonly #counters: MediaCounters;
  readonly #latch = new Latch();
  readonly #incoming = new IncomingStream();
  #places: PlaceTracker;
  #inBand: InBandTones | undefined;
  #lastReceivedUs = 0;
  #clockRateHz = 8000;
  #receives = false;
  #isConnected = false;
  #hasReceived = false;
  /** `#gate` has to be asked for each packet. */
  #isGated = false;

  readonly legId: LegId;
  readonly participantId: string;
  readonly host: string;
  /** What goes out to the phone. */
  readonly sender: LegSender;
  /** When the next RTCP report is due; set by the bridge's clockwork. */
  nextReportUs: number | undefined;
  readonly #clock: Clock;
  readonly #events: LegEvents;
  readonly #silenceMs: number;
  readonly #early = new EarlyPackets();
  readonly #gate = new VoiceGate();
  readonly #tones: LegTones;
  readonly #security = new LegSecurity();
  #pair: SocketPair | undefined;
  #isSilent = false;

  constructor(options: LegOptions) {
    this.legId = options.legId;
    this.participantId = options.participantId;
    this.host = options.host;
    this.#clock = options.clock;
    this.#counters = options.counters;
    this.#events = options.events;
    this.#silenceMs = options.silenceMs;
    this.sender = new LegSender(options);
    this.#places = this.#gate.places;
    this.taps = this.#gate.taps;
    this.newTaps = this.#gate.newTaps;
    this.#tones = new LegTones(this.sender, options, (tone) => {
      this.#gate.mark(tone, this.#clock.monotonicUs());
      this.#events.onTone(this.legId, tone.tone, tone.durationMs);
    });
  }

  /** Takes ownership of the sockets. */
  attach(pair: SocketPair): LegSockets {
    this.#pair = pair;
    this.sender.attach(pair);
    return { rtp: pair.rtp.local, rtcp: pair.rtcp.local };
  }

  get media(): RemoteMedia | undefined {
    return this.#media;
  }

  /** Where the stream that the leg receives stands; `undefined` while that is not sure. */
  get place(): Place | undefined {
    return this.#gate.place;
  }

  /** The far side wants to hear something. */
  get canSend(): boolean {
    return this.sender.canSend;
  }

  /** Nobody hears the leg. */
  get isMuted(): boolean {
    return this.#gate.isMuted;
  }

  /** Hears hold audio at most, which is sent by `sendFrame`, and is not heard either. */
  get isOnHold(): boolean {
    return this.#gate.isOnHold;
  }

  /**
   * Packets of a leg that is muted or on hold are accepted like any other (its place on the timeline,
   * statistics and keys are followed), but neither journaled, nor relayed, nor given to the sink.
   * After that a packet passes only if its place is not before this moment. Keys are reported in any case.
   */
  control(control: LegControl): void {
    this.sender.holdRelay(control.isOnHold);
    if (this.#gate.control(control, this.#clock.monotonicUs())) this.relay?.to.beginRun();
    this.#isGated = !this.#gate.isOpen;
  }

  /** Throws `argument-invalid` for keys that do not fit their suite; all stays as it was then. */
  setMedia(media: RemoteMedia): void {
    const nowUs = this.#clock.monotonicUs();
    this.#security.set(media.security);
    this.#srtp = this.#security.receiver;
    this.#media = media;
    this.#kinds = payloadKinds(media);
    if (media.format.clockRateHz !== this.#clockRateHz) {
      this.#clockRateHz = media.format.clockRateHz;
      this.#places = this.#gate.setClockRate(this.#clockRateHz);
    }
    this.#inBand = this.#tones.setMedia(media);
    this.#receives = weReceive(media);
    this.#latch.reopen({ sdp: media.rtp, alternativeSources: media.alternativeSources }, nowUs);
    this.#disconnect();
    this.sender.setMedia(media, this.#security.sender);
    this.sender.aim(this.#latch.locked);
    this.#lastReceivedUs = nowUs;
    this.#isSilent = false;
  }

  /** What came before `setMedia` is received now, by the rules that hold since. */
  receiveEarly(): void {
    this.#early.release(this.receiveRtp);
  }

  /** Another leg is relayed here from now on, or the same one after a pause. */
  beginRun(): void {
    this.sender.beginRun();
  }

  /** Frames of our own pause: see `OutgoingStream`. */
  rest(): void {
    this.sender.rest();
  }

  /** Frames of our own follow, which go on with the relayed stream: see `OutgoingStream`. */
  continueRun(ssrc: number, timestamp: number, nowUs: number): void {
    this.sender.continueRun(ssrc, timestamp, nowUs);
  }

  /**
   * Sends a frame of our own in the leg's audio format, which lasts `ticks` of its clock: right behind
   * the frame before, or by the clock after a pause or a relayed packet. On the hot path.
   */
  sendFrame(
    payload: Uint8Array,
    payloadBytes: number,
    ticks: number,
    marker: boolean,
    nowUs: number,
  ): void {
    this.sender.frame(payload, payloadBytes, ticks, marker, nowUs);
  }

  /**
   * Sends keys, one after the other; what else the leg hears is left out meanwhile. Resolves when they are
   * sent. Rejects with `participant-not-found` if the leg goes before, with `call-state-conflict` if the far
   * side takes no media now.
   */
  sendTones(tones: readonly Tone[]): Promise<void> {
    return this.#tones.send(tones);
  }

  /** For the RTP socket. The hot path: no object is made here for a packet of a steady stream. */
  readonly receiveRtp = (datagram: Uint8Array, from: SocketAddress, arrivalUs: number): void => {
    const header = HEADER;
    const { dropped } = this.#counters;
    if (this.#media === undefined) {
      if (!this.#early.hold(datagram, from, arrivalUs)) dropped.unexpected += 1;
      return;
    }
    // Before anything else: what is not authentic must not move the latch.
    const data = this.#srtp === undefined ? datagram : this.#srtp.unprotectRtp(datagram);
    if (data === undefined) {
      dropped.authentication += 1;
      return;
    }
    if (!header.read(data)) {
      dropped.malformed += 1;
      return;
    }
    const kind = (this.#kinds[header.payloadType] ?? PAYLOAD_KIND.none) as PayloadKind;
    if (kind === PAYLOAD_KIND.none) {
      dropped['payload-type'] += 1;
      return;
    }
    if (!this.#receives) {
      dropped.direction += 1;
      return;
    }
    const { ssrc, sequenceNumber, timestamp } = header;
    const locked = this.#latch.locked;
    if (!this.#latch.accepts(from, ssrc, sequenceNumber, arrivalUs)) {
      dropped.source += 1;
      return;
    }
    this.#counters.packetsIn += 1;
    const isAudio = kind === PAYLOAD_KIND.audio;
    if (isAudio) {
      this.#places.observe(ssrc, timestamp, arrivalUs);
      if (this.#inBand !== undefined) {
        const { payloadOffset, payloadBytes } = header;
        this.#inBand.packet(ssrc, timestamp, data, payloadOffset, payloadBytes, arrivalUs);
      }
    } else if (kind === PAYLOAD_KIND.telephoneEvent) {
      this.#tones.event(header, data, arrivalUs);
    }
    this.#lastReceivedUs = arrivalUs;
    this.#incoming.update(ssrc, sequenceNumber, timestamp, arrivalUs, this.#clockRateHz, isAudio);
    if (locked !== this.#latch.locked || this.#latch.isLockedToSdp !== this.#isConnected) {
      this.#followLatch();
    }
    const isPlain = !this.#isGated && this.newTaps.length === 0;
    if (isPlain) {
      for (const { writer, stream } of this.taps) writer.packet(stream, arrivalUs, data);
    }
    if (isPlain || this.#passGate(data, ssrc, timestamp, arrivalUs)) {
      const { relay } = this;
      if (this.sink !== undefined) this.sink.packet(kind, header, data, arrivalUs);
      else if (relay !== undefined) this.#passOn(relay, data, isAudio, arrivalUs);
    }
    if (!this.#hasReceived) {
      this.#hasReceived = true;
      this.#events.onReceiving(this.legId);
    }
  };

  /** For the RTCP socket: read for statistics, trusted for nothing else. */
  readonly receiveRtcp = (datagram: Uint8Array, from: SocketAddress, arrivalUs: number): void => {
    const { dropped } = this.#counters;
    const { rtcpTo } = this.sender;
    if (rtcpTo === undefined) {
      dropped.unexpected += 1;
      return;
    }
    const { address } = this.#latch.locked ?? rtcpTo;
    if (from.address !== address && from.address !== rtcpTo.address) {
      dropped.source += 1;
      return;
    }
    const data = this.#srtp === undefined ? datagram : this.#srtp.unprotectRtcp(datagram);
    if (data === undefined) {
      dropped.authentication += 1;
      return;
    }
    if (readReports(data, this.#incoming, arrivalUs)) this.#counters.rtcpIn += 1;
    else dropped.malformed += 1;
  };

  /** Several times a second: what time brings about. */
  tend(nowUs: number): void {
    this.#tones.tend(nowUs);
    if (this.#media === undefined || !this.#receives) return;
    // A connected socket would not hear the sources that now have a chance.
    if (this.#isConnected && this.#latch.isSdpSilent(nowUs)) this.#disconnect();
    const silentMs = (nowUs - this.#lastReceivedUs) / 1000;
    if (silentMs < this.#silenceMs) {
      this.#isSilent = false;
    } else if (!this.#isSilent) {
      this.#isSilent = true;
      this.#events.onSilent(this.legId, Math.round(silentMs));
    }
  }

  /** Sends an RTCP report if there is anything to say. */
  report(nowUs: number): void {
    this.sender.report(nowUs, this.#incoming.report(nowUs));
  }

  /** Says goodbye. The owner of the ports closes the sockets that this returns; idempotent. */
  close(): SocketPair | undefined {
    const pair = this.#pair;
    if (pair === undefined) return undefined;
    this.#tones.close();
    this.#inBand = undefined;
    this.sender.close();
    this.#pair = undefined;
    this.#media = undefined;
    this.#receives = false;
    this.relay = undefined;
    this.sink = undefined;
    return pair;
  }

  /** For a leg that is not simply heard: as `VoiceGate.pass`. */
  #passGate(data: Uint8Array, ssrc: number, timestamp: number, arrivalUs: number): boolean {
    const passes = this.#gate.pass(data, ssrc, timestamp, arrivalUs);
    this.#isGated = !this.#gate.isOpen;
    return passes;
  }

  #passOn(relay: Relay, data: Uint8Array, isAudio: boolean, arrivalUs: number): void {
    const header = HEADER;
    const payloadType = relay.payloadTypes[header.payloadType] ?? -1;
    if (payloadType < 0) {
      this.#counters.dropped['not-relayable'] += 1;
      return;
    }
    if (isAudio && relay.table !== undefined) {
      recode(data, header.payloadOffset, header.payloadBytes, relay.table);
    }
    relay.sender.relay(data, header, payloadType, arrivalUs);
  }

  /** After a change of the lock: media goes there, and a lock on the SDP address is made cheap. */
  #followLatch(): void {
    this.sender.aim(this.#latch.locked);
    if (this.#latch.isLockedToSdp === this.#isConnected) return;
    if (this.#isConnected) {
      this.#disconnect();
    } else if (this.#latch.locked !== undefined) {
      this.#pair?.rtp.connect(this.#latch.locked);
      this.#isConnected = true;
    }
  }

  #disconnect(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#pair?.rtp.connect(undefined);
  }
}
