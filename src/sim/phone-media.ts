import {
  isG711,
  type AudioFormat,
  type G711Codec,
  type LocalMedia,
  type RemoteMedia,
} from '../core/media-format.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { DatagramNetwork, DatagramSocket } from '../core/ports/datagram.ts';
import type { Random } from '../core/ports/random.ts';
import { encodeG711 } from '../media/g711/g711.ts';
import { addSequence, addTimestamp } from '../protocols/rtp/arithmetic.ts';
import { RTP_FIXED_HEADER_BYTES, writeRtpHeader } from '../protocols/rtp/header.ts';
import { buildTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { Heard } from './heard.ts';
import { FRAME_MS, FRAME_SAMPLES } from './telephony.ts';
import type { Voice } from './voice.ts';

/** RFC 3551 table 4. */
const STATIC_PAYLOAD_TYPES: Readonly<Record<G711Codec, number>> = { PCMU: 0, PCMA: 8 };
const CLOCK_RATE_HZ = 8000;
/** After a longer stall of the process frames are left out, as by a phone that stood still. */
const MAX_BACKLOG_FRAMES = 50;
/** RFC 4733 §2.5.1.4: the last update of an event is sent three times. */
const LAST_EVENT_COPIES = 3;
const EVENT_VOLUME_DBM0 = 10;

export type PhoneMediaPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: DatagramNetwork;
};

/** The RTP side of one call: two sockets, a sender that keeps time, and an ear. */
export class PhoneMedia {
  readonly local: LocalMedia;
  readonly #ports: PhoneMediaPorts;
  readonly #rtp: DatagramSocket;
  readonly #rtcp: DatagramSocket;
  readonly #keepHeard: boolean;
  readonly #packet = new Uint8Array(RTP_FIXED_HEADER_BYTES + FRAME_SAMPLES);
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  readonly #ssrc: number;
  #sequenceNumber: number;
  readonly #firstTimestamp: number;
  #heard: Heard | undefined;
  #remote: RemoteMedia | undefined;
  #voice: Voice | undefined;
  #onHangUp: () => void = () => undefined;
  #startUs = 0;
  #framesDue = 0;
  #talking = false;
  #sentPackets = 0;
  #timer: Timer | undefined;

  /** Binds on `host`; rejects as `DatagramNetwork.bind` does. */
  static async open(
    options: {
      readonly host: string;
      readonly codecs: readonly G711Codec[];
      readonly keepHeard: boolean;
    },
    ports: PhoneMediaPorts,
  ): Promise<PhoneMedia> {
    const receiver: { receive: (data: Uint8Array, arrivalUs: number) => void } = {
      receive: () => undefined,
    };
    const rtp = await ports.datagrams.bind({
      host: options.host,
      port: 0,
      receive: (data, _from, arrivalUs) => {
        receiver.receive(data, arrivalUs);
      },
    });
    try {
      const rtcp = await ports.datagrams.bind({
        host: options.host,
        port: 0,
        receive: () => undefined,
      });
      const media = new PhoneMedia(options, ports, rtp, rtcp);
      receiver.receive = (data, arrivalUs) => media.#heard?.receive(data, arrivalUs);
      return media;
    } catch (error) {
      rtp.close();
      throw error;
    }
  }

  private constructor(
    options: { readonly codecs: readonly G711Codec[]; readonly keepHeard: boolean },
    ports: PhoneMediaPorts,
    rtp: DatagramSocket,
    rtcp: DatagramSocket,
  ) {
    this.#ports = ports;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.#keepHeard = options.keepHeard;
    const formats: readonly AudioFormat[] = options.codecs.map((codec) => ({
      codec,
      payloadType: STATIC_PAYLOAD_TYPES[codec],
      clockRateHz: CLOCK_RATE_HZ,
    }));
    this.local = { rtp: rtp.local, rtcp: rtcp.local, formats };
    const view = new DataView(Uint8Array.from(ports.random.bytes(10)).buffer);
    this.#ssrc = view.getUint32(0);
    // RFC 3550 §5.1: both begin at random.
    this.#firstTimestamp = view.getUint32(4);
    this.#sequenceNumber = view.getUint16(8);
  }

  get heard(): Heard | undefined {
    return this.#heard;
  }

  get sentPackets(): number {
    return this.#sentPackets;
  }

  /** The call is up: speaks and listens from now on. `onHangUp` when the script says so. */
  start(remote: RemoteMedia, voice: Voice, onHangUp: () => void): void {
    this.#startUs = this.#ports.clock.monotonicUs();
    this.#heard = new Heard(this.#startUs, this.#keepHeard);
    this.#voice = voice;
    this.#onHangUp = onHangUp;
    this.setRemote(remote);
    this.#tick();
  }

  /** A re-INVITE changed where to, or what. */
  setRemote(remote: RemoteMedia): void {
    this.#remote = remote;
    this.#heard?.setRemote(remote);
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#voice = undefined;
    this.#rtp.close();
    this.#rtcp.close();
  }

  /** Sends what is due, and sleeps until the next frame: times are counted from the start. */
  #tick(): void {
    const nowFrame = this.#frameNow();
    if (nowFrame - this.#framesDue > MAX_BACKLOG_FRAMES) this.#framesDue = nowFrame;
    while (this.#framesDue <= nowFrame) {
      if (!this.#sendFrame()) return;
    }
    const elapsedMs = (this.#ports.clock.monotonicUs() - this.#startUs) / 1000;
    const waitMs = Math.max(0, this.#framesDue * FRAME_MS - elapsedMs);
    this.#timer = this.#ports.clock.setTimer(waitMs, () => {
      this.#tick();
    });
  }

  #frameNow(): number {
    const elapsedMs = (this.#ports.clock.monotonicUs() - this.#startUs) / 1000;
    return Math.floor(elapsedMs / FRAME_MS);
  }

  /** False when there is nothing more to send. */
  #sendFrame(): boolean {
    if (this.#voice === undefined || this.#remote === undefined) return false;
    const remote = this.#remote;
    const frame = this.#voice.next(this.#frame);
    if (frame.kind === 'hangUp') {
      this.#voice = undefined;
      this.#onHangUp();
      return false;
    }
    const eventType = remote.auxiliary.telephoneEvent;
    const sends = remote.direction === 'sendrecv' || remote.direction === 'sendonly';
    if (!sends) {
      this.#talking = false;
    } else if (frame.kind === 'event' && eventType !== undefined) {
      this.#sendEvent(remote, eventType, frame);
    } else {
      this.#sendAudio(remote);
    }
    this.#framesDue += 1;
    return true;
  }

  #sendAudio(remote: RemoteMedia): void {
    const { codec } = remote.format;
    // Nothing else was offered.
    if (!isG711(codec)) return;
    const payload = this.#packet.subarray(RTP_FIXED_HEADER_BYTES);
    encodeG711(codec, this.#frame, payload);
    // RFC 3551 §4.1: the marker begins a talkspurt.
    this.#send(remote, !this.#talking, remote.format.payloadType, this.#framesDue, FRAME_SAMPLES);
    this.#talking = true;
  }

  #sendEvent(
    remote: RemoteMedia,
    payloadType: number,
    frame: { readonly event: number; readonly elapsedFrames: number; readonly last: boolean },
  ): void {
    const payload = buildTelephoneEvent({
      event: frame.event,
      end: frame.last,
      volumeDbm0: EVENT_VOLUME_DBM0,
      durationTicks: frame.elapsedFrames * FRAME_SAMPLES,
    });
    this.#packet.set(payload, RTP_FIXED_HEADER_BYTES);
    // All updates carry the time at which the event began (RFC 4733 §2.2.1).
    const begunFrame = this.#framesDue - frame.elapsedFrames + 1;
    for (let copy = 0; copy < (frame.last ? LAST_EVENT_COPIES : 1); copy += 1) {
      const begins = frame.elapsedFrames === 1 && copy === 0;
      this.#send(remote, begins, payloadType, begunFrame, payload.length);
    }
    this.#talking = false;
  }

  #send(
    remote: RemoteMedia,
    marker: boolean,
    payloadType: number,
    frame: number,
    payloadBytes: number,
  ): void {
    const timestamp = addTimestamp(this.#firstTimestamp, frame * FRAME_SAMPLES);
    writeRtpHeader(this.#packet, marker, payloadType, this.#sequenceNumber, timestamp, this.#ssrc);
    this.#sequenceNumber = addSequence(this.#sequenceNumber, 1);
    this.#rtp.send(this.#packet.subarray(0, RTP_FIXED_HEADER_BYTES + payloadBytes), remote.rtp);
    this.#sentPackets += 1;
  }
}
