import type { AudioFormat, RemoteMedia } from '../core/media-format.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { DatagramSocket, SocketAddress } from '../core/ports/datagram.ts';
import {
  RTP_FIXED_HEADER_BYTES,
  rewriteRtpHeader,
  writeRtpHeader,
  type RtpHeaderReader,
} from '../protocols/rtp/header.ts';
import { PacketBuffer } from '../protocols/rtp/packet-buffer.ts';
import { buildTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import type { ReportBlock } from '../protocols/rtcp/packet.ts';
import { canonicalAddress } from './datagram/ip-address.ts';
import { weSend } from './leg-media.ts';
import type { SrtpSender } from '../protocols/srtp/srtp-sender.ts';
import type { SocketPair } from './leg-ports.ts';
import type { MediaCounters } from './media-statistics.ts';
import { OutgoingStream, type StreamStart } from './outgoing-stream.ts';
import { buildGoodbye, buildReport } from './reports.ts';

/** Of a frame of our own; the largest is 60 ms of L16 at 48 kHz. */
export const MAX_FRAME_BYTES = 5_760;
/** Of keys, in dBm0 with the sign dropped: what phones send. */
const EVENT_VOLUME_DBM0 = 10;

export type LegSenderOptions = {
  readonly clock: Clock;
  readonly counters: MediaCounters;
  readonly start: StreamStart;
  /** Canonical name in our RTCP (RFC 7022: random). */
  readonly cname: string;
};

/**
 * All that goes out to one phone, on one stream: what another leg relays, or frames of our own, and
 * RTCP. Uses the leg's sockets; owns none.
 */
export class LegSender {
  // What every relayed packet looks at comes first and together, as in `Leg`.
  readonly #stream: OutgoingStream;
  readonly #counters: MediaCounters;
  /** As `#sendTo`, but `undefined` while nothing may be relayed. */
  #relayTo: SocketAddress | undefined;
  #rtp: DatagramSocket | undefined;
  #srtp: SrtpSender | undefined;
  #clockRateHz = 8000;

  #sendTo: SocketAddress | undefined;
  readonly #clock: Clock;
  readonly #cname: string;
  #rtcp: DatagramSocket | undefined;
  #media: RemoteMedia | undefined;
  #isRelayHeld = false;
  /** Keys are being sent. */
  #areOthersSilent = false;
  #rtcpTo: SocketAddress | undefined;
  #frame: PacketBuffer | undefined;
  #reportedPackets = 0;
  #hasReported = false;

  constructor(options: LegSenderOptions) {
    this.#clock = options.clock;
    this.#counters = options.counters;
    this.#cname = options.cname;
    this.#stream = new OutgoingStream(options.start);
  }

  attach(pair: SocketPair): void {
    this.#rtp = pair.rtp;
    this.#rtcp = pair.rtcp;
  }

  /** The far side wants to hear something. */
  get canSend(): boolean {
    return this.#sendTo !== undefined;
  }

  /** Where RTCP goes by the description. */
  get rtcpTo(): SocketAddress | undefined {
    return this.#rtcpTo;
  }

  /** @param srtp `undefined`: what is sent goes out plain. */
  setMedia(media: RemoteMedia, srtp: SrtpSender | undefined): void {
    this.#media = media;
    this.#srtp = srtp;
    this.#clockRateHz = media.format.clockRateHz;
    this.#rtcpTo = {
      address: canonicalAddress(media.rtcp.address) ?? media.rtcp.address,
      port: media.rtcp.port,
    };
  }

  /** Media goes where it comes from, once that is known. */
  aim(locked: SocketAddress | undefined): void {
    const media = this.#media;
    this.#sendTo = media !== undefined && weSend(media) ? (locked ?? media.rtp) : undefined;
    this.#aimRelay();
  }

  /** While held nothing is relayed here; frames of ours go out all the same. */
  holdRelay(isHeld: boolean): void {
    if (this.#isRelayHeld === isHeld) return;
    this.#isRelayHeld = isHeld;
    this.#aimRelay();
    this.beginRun();
  }

  /** While keys are sent nothing else is: neither what is relayed nor frames. */
  silenceOthers(areSilent: boolean): void {
    this.#areOthersSilent = areSilent;
    this.#aimRelay();
    this.beginRun();
  }

  /** As `OutgoingStream.continueRun`. */
  continueRun(ssrc: number, timestamp: number, nowUs: number): void {
    this.#stream.continueRun(ssrc, timestamp, nowUs, this.#clockRateHz);
  }

  /** Another source speaks from now on, or the same one after a pause. */
  beginRun(): void {
    this.#stream.interrupt();
  }

  /** As `OutgoingStream.rest`. */
  rest(): void {
    this.#stream.rest();
  }

  /** The packet that `header` describes goes out, changed where it stands. */
  relay(data: Uint8Array, header: RtpHeaderReader, payloadType: number, arrivalUs: number): void {
    const to = this.#relayTo;
    const stream = this.#stream;
    if (to === undefined) return;
    const { ssrc, sequenceNumber, timestamp, payloadBytes } = header;
    if (!stream.place(ssrc, sequenceNumber, timestamp, arrivalUs, this.#clockRateHz)) {
      this.#counters.dropped.late += 1;
      return;
    }
    rewriteRtpHeader(data, payloadType, stream.sequenceNumber, stream.timestamp, stream.ssrc);
    this.#send(data, payloadBytes, to);
  }

  /** As `ownFrame`, while no keys are sent. */
  frame(
    payload: Uint8Array,
    payloadBytes: number,
    ticks: number,
    marker: boolean,
    nowUs: number,
  ): void {
    if (!this.#areOthersSilent) this.ownFrame(payload, payloadBytes, ticks, marker, nowUs);
  }

  /** A frame of our own in the leg's audio format, which lasts `ticks` of its clock. */
  ownFrame(
    payload: Uint8Array,
    payloadBytes: number,
    ticks: number,
    marker: boolean,
    nowUs: number,
  ): void {
    const to = this.#sendTo;
    const media = this.#media;
    if (to === undefined || media === undefined || payloadBytes > MAX_FRAME_BYTES) return;
    this.#stream.placeFrame(ticks, nowUs, this.#clockRateHz);
    this.#sendOwn(media.format.payloadType, payload, payloadBytes, marker, to);
  }

  /** In which frames of ours are sent. */
  get format(): AudioFormat | undefined {
    return this.#media?.format;
  }

  /** RFC 4733 was agreed on. */
  get canSendEvents(): boolean {
    return this.#media?.auxiliary.telephoneEvent !== undefined;
  }

  /** Tells of an event that has lasted `durationMs` by now. */
  event(
    event: number,
    durationMs: number,
    hasEnded: boolean,
    isFirst: boolean,
    nowUs: number,
  ): void {
    const to = this.#sendTo;
    const payloadType = this.#media?.auxiliary.telephoneEvent;
    if (to === undefined || payloadType === undefined) return;
    this.#stream.placeEvent(isFirst, nowUs, this.#clockRateHz);
    const payload = buildTelephoneEvent({
      event,
      end: hasEnded,
      volumeDbm0: EVENT_VOLUME_DBM0,
      durationTicks: Math.round((durationMs * this.#clockRateHz) / 1000),
    });
    this.#sendOwn(payloadType, payload, payload.length, isFirst, to);
  }

  /** A report if there is anything to say. `block`: what we say about the stream that we receive. */
  report(nowUs: number, block: ReportBlock | undefined): void {
    const to = this.#rtcpTo;
    if (to === undefined || to.port === 0) return;
    const { packetCount } = this.#stream;
    if (block === undefined && packetCount === 0) return;
    const hasSentSince = packetCount > this.#reportedPackets;
    this.#reportedPackets = packetCount;
    const bytes = buildReport({
      outgoing: this.#stream,
      hasSentSince,
      block,
      cname: this.#cname,
      nowUs,
      wallMs: this.#clock.nowMs(),
      clockRateHz: this.#clockRateHz,
    });
    this.#hasReported = true;
    this.#sendRtcp(bytes, to);
  }

  /** Says goodbye, and nothing more. */
  close(): void {
    // RFC 3550 §6.3.7: who never sent anything must not send BYE either.
    if (this.#rtcpTo !== undefined && (this.#hasReported || this.#stream.packetCount > 0)) {
      this.#sendRtcp(buildGoodbye(this.#stream.ssrc, this.#cname), this.#rtcpTo);
    }
    this.#rtp = undefined;
    this.#rtcp = undefined;
    this.#media = undefined;
    this.#sendTo = undefined;
    this.#relayTo = undefined;
    this.#rtcpTo = undefined;
  }

  #aimRelay(): void {
    this.#relayTo = this.#isRelayHeld || this.#areOthersSilent ? undefined : this.#sendTo;
  }

  #sendOwn(
    payloadType: number,
    payload: Uint8Array,
    payloadBytes: number,
    marker: boolean,
    to: SocketAddress,
  ): void {
    const stream = this.#stream;
    const buffer = (this.#frame ??= new PacketBuffer(RTP_FIXED_HEADER_BYTES + MAX_FRAME_BYTES));
    const { bytes } = buffer;
    const { sequenceNumber, timestamp, ssrc } = stream;
    writeRtpHeader(bytes, marker, payloadType, sequenceNumber, timestamp, ssrc);
    for (let at = 0; at < payloadBytes; at += 1) {
      bytes[RTP_FIXED_HEADER_BYTES + at] = payload[at] ?? 0;
    }
    this.#send(buffer.view(RTP_FIXED_HEADER_BYTES + payloadBytes), payloadBytes, to);
  }

  #send(data: Uint8Array, payloadBytes: number, to: SocketAddress): void {
    const datagram = this.#srtp === undefined ? data : this.#srtp.protectRtp(data);
    if (datagram === undefined) {
      this.#counters.dropped.late += 1;
    } else if (this.#rtp?.send(datagram, to) === true) {
      this.#stream.count(payloadBytes);
      this.#counters.packetsOut += 1;
    } else {
      this.#counters.dropped['send-failed'] += 1;
    }
  }

  #sendRtcp(bytes: Uint8Array, to: SocketAddress): void {
    const datagram = this.#srtp === undefined ? bytes : this.#srtp.protectRtcp(bytes);
    if (datagram === undefined) return;
    if (this.#rtcp?.send(datagram, to) === true) this.#counters.rtcpOut += 1;
    else this.#counters.dropped['send-failed'] += 1;
  }
}
