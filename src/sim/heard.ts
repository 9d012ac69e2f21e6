import { decodeG711 } from '../media/g711/g711.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { sequenceDistance, timestampDistance } from '../protocols/rtp/arithmetic.ts';
import { RtpHeaderReader } from '../protocols/rtp/header.ts';
import { keyOf, parseTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { isG711, type RemoteMedia } from '../core/media-format.ts';
import { RATE_HZ } from './telephony.ts';

/** More is not kept: ten minutes, 9.6 MB. */
const MAX_KEPT_SAMPLES = 600 * RATE_HZ;
/** A packet of 8 kHz audio has at most this many samples that we care for. */
const MAX_PACKET_SAMPLES = 1500;

export type HeardStats = {
  readonly packets: number;
  /** Sequence numbers between the first and the last that never came. */
  readonly lostPackets: number;
  /** Keys that were pressed at the other end, in order. */
  readonly digits: string;
  /** Milliseconds from the answer to the first packet, or `undefined`. */
  readonly firstPacketMs: number | undefined;
};

/** What a phone hears: received media, put in order by its timestamps. */
export class Heard {
  readonly #keep: boolean;
  readonly #startUs: number;
  readonly #header = new RtpHeaderReader();
  readonly #decoded = new Int16Array(MAX_PACKET_SAMPLES);
  #samples = new Int16Array(0);
  #length = 0;
  #remote: RemoteMedia | undefined;
  #ssrc: number | undefined;
  #firstTimestamp = 0;
  /** Where the first packet of the present SSRC was put, in samples since the answer. */
  #anchor = 0;
  #highest = 0;
  #expected = 0;
  #packets = 0;
  #firstPacketMs: number | undefined;
  #digits = '';
  #lastEventTimestamp: number | undefined;

  /** @param startUs monotonic time of the answer: sample 0. */
  constructor(startUs: number, keep: boolean) {
    this.#startUs = startUs;
    this.#keep = keep;
  }

  /** What was agreed on; nothing is understood before. */
  setRemote(remote: RemoteMedia): void {
    this.#remote = remote;
  }

  /** A datagram that arrived on the RTP socket. */
  receive(datagram: Uint8Array, arrivalUs: number): void {
    const remote = this.#remote;
    if (remote === undefined || !this.#header.read(datagram)) return;
    const { payloadType, payloadOffset, payloadBytes, timestamp } = this.#header;
    this.#count(arrivalUs);
    const payload = datagram.subarray(payloadOffset, payloadOffset + payloadBytes);
    if (payloadType === remote.auxiliary.telephoneEvent) {
      this.#hearEvent(payload, timestamp);
    } else if (payloadType === remote.format.payloadType && this.#keep) {
      const at = this.#anchor + timestampDistance(this.#firstTimestamp, timestamp);
      this.#put(payload.subarray(0, MAX_PACKET_SAMPLES), at, remote);
    }
  }

  stats(): HeardStats {
    return {
      packets: this.#packets,
      lostPackets: Math.max(0, this.#expected - this.#packets),
      digits: this.#digits,
      firstPacketMs: this.#firstPacketMs,
    };
  }

  /** 8 kHz samples since the answer; empty unless they are kept. Silence where nothing came. */
  samples(): Int16Array {
    return this.#samples.slice(0, this.#length);
  }

  /** The same as a WAV file. */
  wav(): Uint8Array {
    const samples = this.samples();
    const header = wavHeader({ sampleRateHz: RATE_HZ, channels: 1 }, samples.byteLength);
    const file = new Uint8Array(header.length + samples.byteLength);
    file.set(header);
    const view = new DataView(file.buffer, header.length);
    samples.forEach((sample, index) => view.setInt16(index * 2, sample, true));
    return file;
  }

  #count(arrivalUs: number): void {
    const { ssrc, sequenceNumber, timestamp } = this.#header;
    const sinceAnswerMs = (arrivalUs - this.#startUs) / 1000;
    this.#firstPacketMs ??= sinceAnswerMs;
    this.#packets += 1;
    if (ssrc !== this.#ssrc) {
      this.#ssrc = ssrc;
      this.#firstTimestamp = timestamp;
      this.#anchor = Math.max(0, Math.round((sinceAnswerMs * RATE_HZ) / 1000));
      this.#highest = sequenceNumber;
      this.#expected += 1;
      return;
    }
    const ahead = sequenceDistance(this.#highest, sequenceNumber);
    if (ahead > 0) {
      this.#expected += ahead;
      this.#highest = sequenceNumber;
    }
  }

  #hearEvent(payload: Uint8Array, timestamp: number): void {
    const event = parseTelephoneEvent(payload);
    if (!event.ok || timestamp === this.#lastEventTimestamp) return;
    this.#lastEventTimestamp = timestamp;
    if (this.#digits.length < 256) this.#digits += keyOf(event.value.event) ?? '';
  }

  #put(payload: Uint8Array, at: number, remote: RemoteMedia): void {
    const { codec } = remote.format;
    if (!isG711(codec)) return;
    const end = at + payload.length;
    if (at < 0 || end > MAX_KEPT_SAMPLES) return;
    if (end > this.#samples.length) {
      const grown = new Int16Array(Math.min(MAX_KEPT_SAMPLES, Math.max(end, 2 * this.#length)));
      grown.set(this.#samples);
      this.#samples = grown;
    }
    decodeG711(codec, payload, this.#decoded);
    this.#samples.set(this.#decoded.subarray(0, payload.length), at);
    this.#length = Math.max(this.#length, end);
  }
}
