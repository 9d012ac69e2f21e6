import type { LocalMedia, RemoteMedia } from '../../../src/core/media-format.ts';
import type { DatagramNetwork, DatagramSocket } from '../../../src/core/ports/datagram.ts';
import { writeRtpHeader } from '../../../src/protocols/rtp/header.ts';
import { parseSipUri, type SipUri } from '../../../src/protocols/sip/uri.ts';
import { SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteClientSession } from '../../../src/sip/session/invite-client-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import { PACKET_MS, PACKET_SAMPLES } from './payloads.ts';

const HOST = '127.0.0.1';
const PCMU = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 } as const;
const HEADER_BYTES = 12;

/** 20 ms of PCMU for packet `number` (from 0) of one side of a call. */
export type PayloadOf = (call: number, side: 'caller' | 'callee', number: number) => Uint8Array;

/** Calls that the route `^1\d{5}$` of the server sends back to this generator as a trunk. */
export function dialledNumber(call: number): string {
  return `1${String(call).padStart(5, '0')}`;
}

export function callOfNumber(number: string): number {
  return Number(number.slice(1));
}

class LoadLeg {
  readonly call: number;
  readonly side: 'caller' | 'callee';
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
  remote: RemoteMedia | undefined;
  /** Number of the next packet to send. */
  next = 0;
  sent = 0;
  /** Since the last reset, and since the beginning. */
  received = 0;
  total = 0;
  /** Sequence number that packet 0 of the far side has here. */
  firstSequence: number | undefined;
  /** Of every packet, wall clock. */
  readonly sentAtMs: number[] = [];
  highest = 0;
  readonly ssrc = Math.floor(systemRandom.fraction() * 2 ** 32);

  constructor(call: number, side: 'caller' | 'callee', rtp: DatagramSocket, rtcp: DatagramSocket) {
    this.call = call;
    this.side = side;
    this.rtp = rtp;
    this.rtcp = rtcp;
  }

  get local(): LocalMedia {
    return { rtp: this.rtp.local, rtcp: this.rtcp.local, formats: [PCMU] };
  }

  close(): void {
    this.remote = undefined;
    this.rtp.close();
    this.rtcp.close();
  }
}

export type LoadCounts = {
  readonly sent: number;
  readonly received: number;
  /** By sequence number at the far socket. */
  readonly lost: number;
  readonly relayP99Ms: number;
  /** How late the sender ever was. */
  readonly lateMs: number;
};

/** Two-party calls through a server, both sides here: SIP by our own stack, RTP by its own sockets. */
export class LoadPhones {
  readonly #endpoint: SipEndpoint;
  readonly #server: SipUri;
  readonly #media: DatagramNetwork;
  readonly #payloadOf: PayloadOf;
  readonly #legs: LoadLeg[] = [];
  readonly #sessions: InviteClientSession[] = [];
  readonly #packet = new Uint8Array(HEADER_BYTES + PACKET_SAMPLES);
  /** Send times of the last packets of a leg, by packet number; NaN before. */
  readonly #sentAtUs = new Map<string, Float64Array>();
  #delaysUs: number[] = [];
  #lateMs = 0;
  #lostBefore = 0;
  #startUs = 0;
  #turn = 0;
  #sending = false;

  private constructor(
    endpoint: SipEndpoint,
    server: SipUri,
    media: DatagramNetwork,
    payloadOf: PayloadOf,
  ) {
    this.#endpoint = endpoint;
    this.#server = server;
    this.#media = media;
    this.#payloadOf = payloadOf;
  }

  /** @param sipPort the port that the server's trunk points to. */
  static async open(options: {
    readonly serverUri: string;
    readonly sipPort: number;
    readonly media: DatagramNetwork;
    readonly payloadOf: PayloadOf;
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
    const { media, payloadOf } = options;
    const phones = new LoadPhones(endpoint, server.value, media, payloadOf);
    endpoint.onInvite = (session) => {
      void phones.#openLeg(callOfNumber(session.request.uri.user), 'callee').then(async (leg) => {
        session.onEnd = () => {
          leg.close();
        };
        leg.remote = await session.accept(leg.local);
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

  /** Sends on all legs that are up, spread evenly over the 20 ms, until `stop`. */
  start(): void {
    this.#startUs = systemClock.monotonicUs();
    this.#turn = 0;
    if (this.#sending) return;
    this.#sending = true;
    this.#sendDue();
  }

  stop(): void {
    this.#sending = false;
  }

  /** Counts begin again: what was lost or late before is forgotten. */
  resetCounts(): void {
    this.#delaysUs = [];
    this.#lateMs = 0;
    this.#lostBefore = this.#lost();
    for (const leg of this.#legs) {
      leg.sent = 0;
      leg.received = 0;
    }
  }

  counts(): LoadCounts {
    const delays = Float64Array.from(this.#delaysUs).sort();
    return {
      sent: this.#legs.reduce((sum, leg) => sum + leg.sent, 0),
      received: this.#legs.reduce((sum, leg) => sum + leg.received, 0),
      lost: this.#lost() - this.#lostBefore,
      relayP99Ms: (delays[Math.floor(delays.length * 0.99)] ?? 0) / 1000,
      lateMs: this.#lateMs,
    };
  }

  /** Wall clock, ms, at which the caller of this call sent each of its packets. */
  sentAtMs(call: number): readonly number[] {
    return this.#legs.find((leg) => leg.call === call && leg.side === 'caller')?.sentAtMs ?? [];
  }

  /** BYE on every call that is up; resolves when all are answered. */
  async hangUp(): Promise<void> {
    const sessions = this.#sessions.splice(0);
    await Promise.all(sessions.map((session) => session.end({ status: 200, reason: 'OK' })));
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
    this.#sessions.push(session);
    await new Promise<void>((resolve, reject) => {
      session.onAccept = (remote) => {
        leg.remote = remote;
        resolve();
      };
      session.onEnd = (end) => {
        leg.close();
        reject(new Error(`call ${call} ended: ${end.status} ${end.reason}`));
      };
    });
  }

  async #openLeg(call: number, side: 'caller' | 'callee'): Promise<LoadLeg> {
    const far = `${call} ${side === 'caller' ? 'callee' : 'caller'}`;
    const receiver: { leg?: LoadLeg } = {};
    const rtp = await this.#media.bind({
      host: HOST,
      port: 0,
      receive: (data, _from, arrivalUs) => {
        if (receiver.leg !== undefined) this.#receive(receiver.leg, far, data, arrivalUs);
      },
    });
    const rtcp = await this.#media.bind({ host: HOST, port: 0, receive: () => undefined });
    const leg = new LoadLeg(call, side, rtp, rtcp);
    receiver.leg = leg;
    this.#sentAtUs.set(`${call} ${side}`, new Float64Array(256).fill(Number.NaN));
    this.#legs.push(leg);
    return leg;
  }

  #receive(leg: LoadLeg, far: string, data: Uint8Array, arrivalUs: number): void {
    if (data.length < HEADER_BYTES) return;
    const sequence = ((data[2] ?? 0) << 8) | (data[3] ?? 0);
    leg.firstSequence ??= sequence;
    const number = (sequence - leg.firstSequence) & 0xffff;
    leg.received += 1;
    leg.total += 1;
    leg.highest = Math.max(leg.highest, number);
    const sentAtUs = this.#sentAtUs.get(far)?.[number & 0xff] ?? Number.NaN;
    if (!Number.isNaN(sentAtUs) && this.#delaysUs.length < 1_000_000) {
      this.#delaysUs.push(arrivalUs - sentAtUs);
    }
  }

  /** Packets of the far side that never came here, over the whole life of all legs. */
  #lost(): number {
    return this.#legs.reduce(
      (sum, leg) => sum + (leg.firstSequence === undefined ? 0 : leg.highest + 1 - leg.total),
      0,
    );
  }

  readonly #sendDue = (): void => {
    if (!this.#sending) return;
    const legs = this.#legs.length;
    const stepUs = (PACKET_MS * 1000) / Math.max(1, legs);
    const nowUs = systemClock.monotonicUs();
    while (this.#startUs + this.#turn * stepUs <= nowUs && legs > 0) {
      const leg = this.#legs[this.#turn % legs];
      this.#lateMs = Math.max(this.#lateMs, (nowUs - this.#startUs - this.#turn * stepUs) / 1000);
      this.#turn += 1;
      if (leg?.remote !== undefined) this.#send(leg, leg.remote);
    }
    setImmediate(this.#sendDue);
  };

  #send(leg: LoadLeg, remote: RemoteMedia): void {
    const number = leg.next;
    leg.next += 1;
    leg.sentAtMs.push(systemClock.nowMs());
    leg.sent += 1;
    writeRtpHeader(this.#packet, false, 0, number & 0xffff, (number * 160) >>> 0, leg.ssrc);
    this.#packet.set(this.#payloadOf(leg.call, leg.side, number), HEADER_BYTES);
    const sentAtUs = this.#sentAtUs.get(`${leg.call} ${leg.side}`);
    if (sentAtUs !== undefined) sentAtUs[number & 0xff] = systemClock.monotonicUs();
    leg.rtp.send(this.#packet, remote.rtp);
  }
}
