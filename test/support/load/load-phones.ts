import { LegSecurity } from '../../../src/bridge/leg-security.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../../../src/core/media-format.ts';
import type { DatagramNetwork, DatagramSocket } from '../../../src/core/ports/datagram.ts';
import { writeRtpHeader } from '../../../src/protocols/rtp/header.ts';
import { parseSipUri, type SipUri } from '../../../src/protocols/sip/uri.ts';
import { SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteClientSession } from '../../../src/sip/session/invite-client-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import { MixedCounts } from './mixed-counts.ts';
import { PACKET_MS } from './payloads.ts';

const HOST = '127.0.0.1';
const PCMU = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 } as const;
const HEADER_BYTES = 12;
const MOST_PAYLOAD_BYTES = 1_500;

/** 20 ms for packet `number` (from 0) of one side of a call, in its format: PCMU, or as the caller was told. */
export type PayloadOf = (call: number, side: 'caller' | 'callee', number: number) => Uint8Array;

/** Calls that the route `^1\d{5}$` of the server sends back to this generator as a trunk. */
export function dialledNumber(call: number): string {
  return `1${String(call).padStart(5, '0')}`;
}

export function callOfNumber(number: string): number {
  return Number(number.slice(1));
}

/** Every so many packets one has the marker bit: the server renumbers packets, but leaves it. */
const MARKED_PACKETS = 256;
/** So many packets of a leg behind NAT are sent before a marked one: the first are not taken for its media. */
const NAT_PACKETS = 75;
/** Packets under way, or waiting in a busy process, are not lost yet; later than this they are. */
const GRACE_MS = 1_000;
const GRACE_STEP_MS = 50;
/** Every leg has a place in the 20 ms; legs in turn take places a golden ratio apart. */
const PLACES = 1_000;
const PLACE_STEP = 617;
const PLACE_US = (PACKET_MS * 1000) / PLACES;
/** Delays are counted in classes of this width, up to a second. */
const DELAY_CLASS_US = 10;
const DELAY_CLASSES = 100_000;

class LoadLeg {
  readonly call: number;
  readonly side: 'caller' | 'callee';
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
  /** What its SDP shows: another socket behind NAT, at which nobody listens or speaks. */
  readonly shown: DatagramSocket;
  remote: RemoteMedia | undefined;
  /** The other end of the call, once it is there. */
  far: LoadLeg | undefined;
  /** Number of the next packet to send. */
  next = 0;
  /** Number of the first packet that counts. */
  countFrom = 0;
  /** Wall clock of the first packet sent. */
  firstSentAtMs: number | undefined;
  /** Wall clock of every packet, kept for callers. */
  readonly sentAtMs: number[] = [];
  /** Monotonic time of the last packets, by number. */
  readonly sentAtUs: Float64Array = new Float64Array(MARKED_PACKETS).fill(Number.NaN);
  /** One bit for each of our packets that came out at the far end, by the low 16 bits of its number. */
  readonly #arrived = new Uint8Array(65_536 / 8);
  /** What the server has added to our sequence numbers, known since the first marked packet. */
  #offset: number | undefined;
  readonly ssrc: number = Math.floor(systemRandom.fraction() * 2 ** 32);
  readonly format: AudioFormat;
  readonly isSecure: boolean;
  readonly security: LegSecurity = new LegSecurity();
  /** Where the server makes what is heard, and passes nothing on. */
  readonly mixed: MixedCounts = new MixedCounts();

  constructor(
    call: number,
    side: 'caller' | 'callee',
    media: { readonly format: AudioFormat; readonly isSecure: boolean },
    sockets: {
      readonly rtp: DatagramSocket;
      readonly rtcp: DatagramSocket;
      readonly shown: DatagramSocket;
    },
  ) {
    this.call = call;
    this.side = side;
    this.format = media.format;
    this.isSecure = media.isSecure;
    this.rtp = sockets.rtp;
    this.rtcp = sockets.rtcp;
    this.shown = sockets.shown;
    if (this.shown === this.rtp) return;
    this.next = MARKED_PACKETS - NAT_PACKETS;
    this.countFrom = this.next;
  }

  get local(): LocalMedia {
    return {
      rtp: this.shown.local,
      rtcp: this.rtcp.local,
      formats: [this.format],
      ...(this.isSecure && { security: 'require' }),
    };
  }

  /** What was agreed on. */
  agree(remote: RemoteMedia): void {
    this.security.set(remote.security);
    this.remote = remote;
  }

  /** Takes the next number. */
  take(nowUs: number): number {
    const number = this.next;
    this.next += 1;
    const low = number & 0xffff;
    this.#arrived[low >> 3] = (this.#arrived[low >> 3] ?? 0) & ~(1 << (low & 7));
    this.sentAtUs[number & (MARKED_PACKETS - 1)] = nowUs;
    return number;
  }

  /** One of our packets came out at the far end: its delay in µs, NaN if it cannot be told. */
  arrived(sequenceNumber: number, marker: boolean, arrivalUs: number): number {
    if (marker) {
      const marked = this.next - 1 - ((this.next - 1) & (MARKED_PACKETS - 1));
      this.#offset = sequenceNumber - marked;
    }
    if (this.#offset === undefined) return Number.NaN;
    const low = (sequenceNumber - this.#offset) & 0xffff;
    this.#arrived[low >> 3] = (this.#arrived[low >> 3] ?? 0) | (1 << (low & 7));
    return arrivalUs - (this.sentAtUs[low & (MARKED_PACKETS - 1)] ?? Number.NaN);
  }

  /** Packets before `to` that count and never came out at the far end. */
  lost(to: number): number {
    let lost = 0;
    for (let number = this.countFrom; number < to; number += 1) {
      const low = number & 0xffff;
      if (((this.#arrived[low >> 3] ?? 0) & (1 << (low & 7))) === 0) lost += 1;
    }
    return lost;
  }

  close(): void {
    this.remote = undefined;
    this.rtp.close();
    this.rtcp.close();
    this.shown.close();
  }
}

export type LoadCounts = {
  readonly sent: number;
  /** By sequence number at the far socket; of calls that are mixed also by the server's reports. */
  readonly lost: number;
  /** `null` where packets are not passed on, but made anew. */
  readonly relayP99Ms: number | null;
  /** How late the sender ever was. */
  readonly lateMs: number;
};

/** Two-party calls through a server, both sides here: SIP by our own stack, RTP by its own sockets. */
export class LoadPhones {
  readonly #endpoint: SipEndpoint;
  readonly #server: SipUri;
  readonly #media: DatagramNetwork;
  readonly #payloadOf: PayloadOf;
  readonly #natEvery: number;
  readonly #callerFormat: AudioFormat;
  readonly #isSecure: boolean;
  readonly #legs: LoadLeg[] = [];
  readonly #sessions = new Map<number, InviteClientSession>();
  readonly #packet = new Uint8Array(HEADER_BYTES + MOST_PAYLOAD_BYTES);
  /** Legs by their place in the 20 ms. */
  readonly #places: LoadLeg[][] = Array.from({ length: PLACES }, () => []);
  readonly #delays = new Uint32Array(DELAY_CLASSES);
  #lateMs = 0;
  #startUs = 0;
  /** Places passed since the start. */
  #passed = 0;
  #sending = false;

  private constructor(
    endpoint: SipEndpoint,
    server: SipUri,
    media: DatagramNetwork,
    options: {
      readonly payloadOf: PayloadOf;
      readonly natEvery?: number;
      readonly callerFormat?: AudioFormat;
      readonly isSecure?: boolean;
    },
  ) {
    this.#endpoint = endpoint;
    this.#server = server;
    this.#media = media;
    this.#payloadOf = options.payloadOf;
    this.#natEvery = options.natEvery ?? 0;
    this.#callerFormat = options.callerFormat ?? PCMU;
    this.#isSecure = options.isSecure ?? false;
  }

  /** @param sipPort the port that the server's trunk points to. */
  static async open(options: {
    readonly serverUri: string;
    readonly sipPort: number;
    readonly media: DatagramNetwork;
    readonly payloadOf: PayloadOf;
    /** One call in so many has both ends behind NAT. Default none. */
    readonly natEvery?: number;
    /** In which callers speak, while who is called speaks PCMU. Default PCMU. */
    readonly callerFormat?: AudioFormat;
    /** SRTP on both legs. Default plain. */
    readonly isSecure?: boolean;
  }): Promise<LoadPhones> {
    const server = parseSipUri(options.serverUri);
    if (!server.ok) throw new Error(`not a SIP URI: ${options.serverUri}`);
    const endpoint = await SipEndpoint.open(
      { hosts: [HOST], port: options.sipPort },
      {
        clock: systemClock,
        random: systemRandom,
        datagrams: new NodeDatagramNetwork(systemClock),
        streams: new NodeStreamNetwork(),
      },
    );
    const phones = new LoadPhones(endpoint, server.value, options.media, options);
    endpoint.onInvite = (session) => {
      // The server asks again with all that it can make.
      if (session.offeredFormats?.some(({ codec }) => codec === PCMU.codec) === false) {
        void session.end({ status: 488, reason: 'Not Acceptable Here' });
        return;
      }
      void phones.#openLeg(callOfNumber(session.request.uri.user), 'callee').then(async (leg) => {
        session.onEnd = () => {
          leg.close();
        };
        leg.agree(await session.accept(leg.local));
      });
    };
    return phones;
  }

  /** Places calls `from` to `to` − 1, some at a time; resolves when all are up. */
  async place(from: number, to: number, atOnce = 10): Promise<void> {
    let next = from;
    const placeNext = async (): Promise<void> => {
      while (next < to) {
        const call = next;
        next += 1;
        await this.#place(call);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, to - from) }, placeNext));
  }

  /** Sends on every leg from when it is up, spread evenly over the 20 ms, until `stop`. */
  start(): void {
    if (this.#sending) return;
    this.#sending = true;
    this.#startUs = systemClock.monotonicUs();
    this.#passed = 0;
    this.#sendDue();
  }

  stop(): void {
    this.#sending = false;
  }

  /** Counts begin again: what was lost or late before is forgotten. */
  resetCounts(): void {
    this.#delays.fill(0);
    this.#lateMs = 0;
    for (const leg of this.#legs) {
      leg.countFrom = leg.next;
      leg.mixed.reset();
    }
  }

  /** Counts of what was sent before this call. */
  async counts(): Promise<LoadCounts> {
    const lateMs = this.#lateMs;
    if (this.#isMixed) return { ...this.#countsOfMixed(), lateMs };
    const ends = this.#legs.map((leg) => leg.next);
    const sum = (value: (leg: LoadLeg, to: number) => number): number =>
      this.#legs.reduce((total, leg, index) => total + value(leg, ends[index] ?? 0), 0);
    // In steps: after a stall of this process a timer may fire before the sockets are read again.
    for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += GRACE_STEP_MS) {
      await new Promise((resolve) => setTimeout(resolve, GRACE_STEP_MS));
      if (sum((leg, to) => leg.lost(to)) === 0) break;
    }
    return {
      sent: sum((leg, to) => to - leg.countFrom),
      lost: sum((leg, to) => leg.lost(to)),
      relayP99Ms: this.#delayMs(0.99),
      lateMs,
    };
  }

  /** The server makes what is heard: it does not pass on. */
  get #isMixed(): boolean {
    return this.#callerFormat.codec !== PCMU.codec;
  }

  #countsOfMixed(): Omit<LoadCounts, 'lateMs'> {
    return {
      sent: this.#legs.reduce((sum, leg) => sum + leg.next - leg.countFrom, 0),
      lost: this.#legs.reduce((sum, leg) => sum + leg.mixed.lost, 0),
      relayP99Ms: null,
    };
  }

  /** Wall clock, ms, at which the caller of this call sent each of its packets. */
  sentAtMs(call: number): readonly number[] {
    return this.#legs.find((leg) => leg.call === call && leg.side === 'caller')?.sentAtMs ?? [];
  }

  /** Wall clock, ms, from which both sides of each call were sending. */
  beganAtMs(): readonly number[] {
    const began: number[] = [];
    for (const leg of this.#legs) {
      began[leg.call] = Math.max(began[leg.call] ?? 0, leg.firstSentAtMs ?? Infinity);
    }
    return began;
  }

  /** Legs that have a call: neither side has said BYE yet. */
  legsUp(): number {
    return this.#legs.filter((leg) => leg.remote !== undefined).length;
  }

  /** BYE on every call that is up; resolves when all are answered. */
  async hangUp(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((call) => this.hangUpCall(call)));
  }

  /** BYE of the caller, sent before this returns; resolves when it is answered. */
  async hangUpCall(call: number): Promise<void> {
    const session = this.#sessions.get(call);
    this.#sessions.delete(call);
    await session?.end({ status: 200, reason: 'OK' });
  }

  async close(): Promise<void> {
    this.stop();
    for (const leg of this.#legs) leg.close();
    await this.#endpoint.close();
    await this.#media.close();
  }

  async #place(call: number): Promise<void> {
    const leg = await this.#openLeg(call, 'caller');
    const session = this.#endpoint.invite({
      uri: { ...this.#server, user: dialledNumber(call) },
      from: { user: `caller${call}`, host: HOST, displayName: '' },
      media: leg.local,
    });
    this.#sessions.set(call, session);
    await new Promise<void>((resolve, reject) => {
      session.onAccept = (remote) => {
        leg.agree(remote);
        resolve();
      };
      session.onEnd = (end) => {
        leg.close();
        reject(new Error(`call ${call} ended: ${end.status} ${end.reason}`));
      };
    });
  }

  async #openLeg(call: number, side: 'caller' | 'callee'): Promise<LoadLeg> {
    const receiver: { leg?: LoadLeg } = {};
    const rtp = await this.#media.bind({
      host: HOST,
      port: 0,
      receive: (data, _from, arrivalUs) => {
        if (receiver.leg !== undefined) this.#receive(receiver.leg, data, arrivalUs);
      },
    });
    const rtcp = await this.#media.bind({
      host: HOST,
      port: 0,
      receive: (data) => {
        if (receiver.leg !== undefined && this.#isMixed) this.#receiveReport(receiver.leg, data);
      },
    });
    const isBehindNat = this.#natEvery > 0 && call % this.#natEvery === 0;
    const shown = isBehindNat
      ? await this.#media.bind({ host: HOST, port: 0, receive: () => undefined })
      : rtp;
    const format = side === 'caller' ? this.#callerFormat : PCMU;
    const media = { format, isSecure: this.#isSecure };
    const leg = new LoadLeg(call, side, media, { rtp, rtcp, shown });
    receiver.leg = leg;
    const far = this.#legs.find((other) => other.call === call);
    if (far !== undefined) {
      far.far = leg;
      leg.far = far;
    }
    this.#places[(this.#legs.length * PLACE_STEP) % PLACES]?.push(leg);
    this.#legs.push(leg);
    return leg;
  }

  /** A packet of the other end arrived at `leg`. */
  #receive(leg: LoadLeg, datagram: Uint8Array, arrivalUs: number): void {
    const sender = leg.far;
    const { receiver } = leg.security;
    const data = receiver === undefined ? datagram : receiver.unprotectRtp(datagram);
    if (sender === undefined || data === undefined || data.length < HEADER_BYTES) return;
    const sequenceNumber = ((data[2] ?? 0) << 8) | (data[3] ?? 0);
    if (this.#isMixed) {
      leg.mixed.take(sequenceNumber);
      return;
    }
    const delayUs = sender.arrived(sequenceNumber, ((data[1] ?? 0) & 0x80) !== 0, arrivalUs);
    if (Number.isNaN(delayUs)) return;
    const of = Math.min(DELAY_CLASSES - 1, Math.max(0, Math.floor(delayUs / DELAY_CLASS_US)));
    this.#delays[of] = (this.#delays[of] ?? 0) + 1;
  }

  #receiveReport(leg: LoadLeg, datagram: Uint8Array): void {
    const { receiver } = leg.security;
    const data = receiver === undefined ? datagram : receiver.unprotectRtcp(datagram);
    if (data !== undefined) leg.mixed.takeReport(data, leg.ssrc);
  }

  #delayMs(quantile: number): number {
    let left = this.#delays.reduce((sum, count) => sum + count, 0) * quantile;
    const found = this.#delays.findIndex((count) => {
      left -= count;
      return left < 0;
    });
    return ((found + 1) * DELAY_CLASS_US) / 1000;
  }

  readonly #sendDue = (): void => {
    if (!this.#sending) return;
    const nowUs = systemClock.monotonicUs();
    for (;;) {
      const dueUs = this.#startUs + this.#passed * PLACE_US;
      if (dueUs > nowUs) break;
      this.#lateMs = Math.max(this.#lateMs, (nowUs - dueUs) / 1000);
      for (const leg of this.#places[this.#passed % PLACES] ?? []) {
        if (leg.remote !== undefined) this.#send(leg, leg.remote);
      }
      this.#passed += 1;
    }
    setImmediate(this.#sendDue);
  };

  #send(leg: LoadLeg, remote: RemoteMedia): void {
    const number = leg.take(systemClock.monotonicUs());
    if (leg.side === 'caller') leg.sentAtMs.push(systemClock.nowMs());
    leg.firstSentAtMs ??= systemClock.nowMs();
    const isMarked = number % MARKED_PACKETS === 0;
    const { payloadType, clockRateHz } = remote.format;
    const timestamp = ((number * clockRateHz * PACKET_MS) / 1000) >>> 0;
    writeRtpHeader(this.#packet, isMarked, payloadType, number & 0xffff, timestamp, leg.ssrc);
    const payload = this.#payloadOf(leg.call, leg.side, number);
    this.#packet.set(payload, HEADER_BYTES);
    const packet = this.#packet.subarray(0, HEADER_BYTES + payload.length);
    const { sender } = leg.security;
    const datagram = sender === undefined ? packet : sender.protectRtp(packet);
    if (datagram !== undefined) leg.rtp.send(datagram, remote.rtp);
  }
}
