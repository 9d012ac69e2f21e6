import type { AudioFormat, RemoteMedia } from '../../../src/core/media-format.ts';
import type { DatagramNetwork, DatagramSocket } from '../../../src/core/ports/datagram.ts';
import { sequenceDistance } from '../../../src/protocols/rtp/arithmetic.ts';
import { parseRtcp } from '../../../src/protocols/rtcp/parse.ts';
import { RtpHeaderReader, writeRtpHeader } from '../../../src/protocols/rtp/header.ts';
import { SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteServerSession } from '../../../src/sip/session/invite-server-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import { ConferenceTones, PACKET_MS } from './tones.ts';

const HOST = '127.0.0.1';
const HEADER_BYTES = 12;
/** Packets of what was heard that are kept. */
const KEPT_PACKETS = 50;
/** Every phone has a place in the 20 ms, a golden ratio from the one before. */
const PLACES = 1_000;
const PLACE_STEP = 617;
const PLACE_US = (PACKET_MS * 1000) / PLACES;

/** `+1555…`: everybody whom the application asks into its call is here. */
export function numberOf(participant: number): string {
  return `+1555${String(participant).padStart(6, '0')}`;
}

export type ConferenceCounts = {
  readonly sent: number;
  /** On the way to the server, as its reports say, and from it, by sequence number. */
  readonly lost: number;
  /** Participants whose mix has every tone but their own. */
  readonly mixesRight: number;
  readonly complaints: readonly string[];
  /** How late the sender ever was. */
  readonly lateMs: number;
};

/** One of those in the call: says its tone all the time, and keeps the last second of what it hears. */
class ConferencePhone {
  readonly participant: number;
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
  readonly packets: readonly Uint8Array[];
  readonly ssrc: number = Math.floor(systemRandom.fraction() * 2 ** 32);
  remote: RemoteMedia | undefined;
  sent = 0;
  /** Of the packets that count. */
  received = 0;
  countFrom = 0;
  readonly #header = new RtpHeaderReader();
  readonly #heard: Uint8Array[] = [];
  #first: number | undefined;
  #highest = 0;
  #reportedLost = 0;
  #lostBefore = 0;

  constructor(
    participant: number,
    packets: readonly Uint8Array[],
    rtp: DatagramSocket,
    rtcp: DatagramSocket,
  ) {
    this.participant = participant;
    this.packets = packets;
    this.rtp = rtp;
    this.rtcp = rtcp;
  }

  get heard(): readonly Uint8Array[] {
    return this.#heard;
  }

  get lost(): number {
    const steps = this.#first === undefined ? 0 : this.#highest + 1;
    return Math.max(0, steps - this.received) + this.#reportedLost - this.#lostBefore;
  }

  reset(): void {
    this.countFrom = this.sent;
    this.received = 0;
    this.#first = undefined;
    this.#lostBefore = this.#reportedLost;
  }

  take(data: Uint8Array): void {
    const header = this.#header;
    if (!header.read(data)) return;
    this.received += 1;
    if (this.#first === undefined) {
      this.#first = header.sequenceNumber;
      this.#highest = 0;
    }
    const at = (this.#highest + this.#first) & 0xffff;
    const step = sequenceDistance(at, header.sequenceNumber);
    if (step > 0) this.#highest += step;
    this.#heard.push(data.slice(header.payloadOffset, header.payloadOffset + header.payloadBytes));
    if (this.#heard.length > KEPT_PACKETS) this.#heard.shift();
  }

  takeReport(data: Uint8Array): void {
    const parsed = parseRtcp(data);
    if (!parsed.ok) return;
    for (const packet of parsed.value) {
      if (packet.type !== 'receiver-report' && packet.type !== 'sender-report') continue;
      const report = packet.reports.find(({ ssrc }) => ssrc === this.ssrc);
      if (report !== undefined) this.#reportedLost = report.cumulativeLost;
    }
  }

  close(): void {
    this.remote = undefined;
    this.rtp.close();
    this.rtcp.close();
  }
}

/** All participants of one call after the other: SIP by our own stack, RTP by sockets of their own. */
export class ConferencePhones {
  readonly #media: DatagramNetwork;
  readonly #endpoint: SipEndpoint;
  readonly #format: AudioFormat;
  readonly #packet = new Uint8Array(HEADER_BYTES + 4_096);
  readonly #header = this.#packet.subarray(0, HEADER_BYTES);
  #tones: ConferenceTones | undefined;
  #phones: ConferencePhone[] = [];
  #places: ConferencePhone[][] = [];
  #startUs = 0;
  #passed = 0;
  #lateMs = 0;
  #isSending = false;

  private constructor(media: DatagramNetwork, endpoint: SipEndpoint, format: AudioFormat) {
    this.#media = media;
    this.#endpoint = endpoint;
    this.#format = format;
    endpoint.onInvite = (session) => {
      void this.#join(session);
    };
  }

  static async open(
    sipPort: number,
    format: AudioFormat,
    media: DatagramNetwork,
  ): Promise<ConferencePhones> {
    const endpoint = await SipEndpoint.open(
      { hosts: [HOST], port: sipPort },
      {
        clock: systemClock,
        random: systemRandom,
        datagrams: new NodeDatagramNetwork(systemClock),
        streams: new NodeStreamNetwork(),
      },
    );
    return new ConferencePhones(media, endpoint, format);
  }

  /** So many will be asked into the next call. Those of the last one are gone. */
  async begin(participants: number): Promise<void> {
    this.#isSending = false;
    const tones = await ConferenceTones.open(this.#format, participants);
    this.#tones = tones;
    for (const phone of this.#phones) phone.close();
    this.#places = Array.from({ length: PLACES }, () => []);
    this.#phones = [];
    for (let participant = 0; participant < participants; participant += 1) {
      const receiver: { phone?: ConferencePhone } = {};
      const rtp = await this.#bind((data) => receiver.phone?.take(data));
      const rtcp = await this.#bind((data) => receiver.phone?.takeReport(data));
      const phone = new ConferencePhone(participant, tones.packetsOf(participant), rtp, rtcp);
      receiver.phone = phone;
      this.#phones.push(phone);
      this.#places[(participant * PLACE_STEP) % PLACES]?.push(phone);
    }
    this.#isSending = true;
    this.#startUs = systemClock.monotonicUs();
    this.#passed = 0;
    this.#sendDue();
  }

  /** Those who answered. */
  get joined(): number {
    return this.#phones.filter(({ remote }) => remote !== undefined).length;
  }

  reset(): void {
    this.#lateMs = 0;
    for (const phone of this.#phones) phone.reset();
  }

  counts(): ConferenceCounts {
    const lateMs = this.#lateMs;
    const complaints = this.#phones.flatMap(
      ({ participant, heard }) => this.#tones?.complaintOf(participant, heard) ?? [],
    );
    const sum = (of: (phone: ConferencePhone) => number): number =>
      this.#phones.reduce((total, phone) => total + of(phone), 0);
    return {
      sent: sum(({ sent, countFrom }) => sent - countFrom),
      lost: sum(({ lost }) => lost),
      mixesRight: this.#phones.length - complaints.length,
      complaints,
      lateMs,
    };
  }

  async close(): Promise<void> {
    this.#isSending = false;
    for (const phone of this.#phones) phone.close();
    await this.#endpoint.close();
    await this.#media.close();
  }

  #bind(receive: (data: Uint8Array) => void): Promise<DatagramSocket> {
    return this.#media.bind({ host: HOST, port: 0, receive });
  }

  async #join(session: InviteServerSession): Promise<void> {
    const called = Number(session.request.uri.user.slice(numberOf(0).length - 6));
    const phone = this.#phones[called];
    if (phone === undefined) {
      await session.end({ status: 404, reason: 'Not Found' });
      return;
    }
    session.onEnd = () => {
      phone.remote = undefined;
    };
    phone.remote = await session.accept({
      rtp: phone.rtp.local,
      rtcp: phone.rtcp.local,
      formats: [this.#format],
    });
  }

  readonly #sendDue = (): void => {
    if (!this.#isSending) return;
    const nowUs = systemClock.monotonicUs();
    for (;;) {
      const dueUs = this.#startUs + this.#passed * PLACE_US;
      if (dueUs > nowUs) break;
      this.#lateMs = Math.max(this.#lateMs, (nowUs - dueUs) / 1000);
      for (const phone of this.#places[this.#passed % PLACES] ?? []) {
        if (phone.remote !== undefined) this.#send(phone, phone.remote);
      }
      this.#passed += 1;
    }
    setImmediate(this.#sendDue);
  };

  #send(phone: ConferencePhone, { rtp, format }: RemoteMedia): void {
    const payload = phone.packets[phone.sent % phone.packets.length];
    if (payload === undefined) return;
    const number = phone.sent;
    const ticks = (format.clockRateHz * PACKET_MS) / 1000;
    writeRtpHeader(
      this.#header,
      number === 0,
      format.payloadType,
      number & 0xffff,
      (number * ticks) >>> 0,
      phone.ssrc,
    );
    this.#packet.set(payload, HEADER_BYTES);
    phone.rtp.send(this.#packet.subarray(0, HEADER_BYTES + payload.length), rtp);
    phone.sent += 1;
  }
}
