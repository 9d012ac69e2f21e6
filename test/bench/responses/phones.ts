import { setTimeout as delay } from 'node:timers/promises';
import type { RemoteMedia } from '../../../src/core/media-format.ts';
import type { DatagramNetwork, DatagramSocket } from '../../../src/core/ports/datagram.ts';
import { writeRtpHeader } from '../../../src/protocols/rtp/header.ts';
import { parseSipUri, type SipUri } from '../../../src/protocols/sip/uri.ts';
import { SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteClientSession } from '../../../src/sip/session/invite-client-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import { PACKET_MS, PACKET_SAMPLES, silencePacket } from '../../support/load/payloads.ts';
import { voiceOf } from './tones.ts';

const HOST = '127.0.0.1';
const PCMU = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 } as const;
const HEADER_BYTES = 12;
const PACKET_US = PACKET_MS * 1000;
/** Every phone has a place in the 20 ms; phones in turn take places a golden ratio apart. */
const PLACES = 1_000;
const PLACE_STEP = 617;
const PLACE_US = PACKET_US / PLACES;
/** Of the seven bits of a PCMU byte that say how quiet it is: less is as loud as the beep. */
const LOUD_BELOW = 0x40;
const MAGNITUDE = 0x7f;
/** Who has heard nothing more of the beep for so long begins to speak. */
const BEEP_OVER_US = 40_000;
/** Who is not asked to speak in this time does so never. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 10;

/** Who calls. */
export function numberOf(caller: number): string {
  return `+1555${String(caller).padStart(6, '0')}`;
}

export function callerOf(number: string): number {
  return Number(number.slice(numberOf(0).length - 6));
}

/** What became of a call; times are of the machine's monotonic clock, µs. */
export type CallTimes = {
  readonly caller: number;
  /** When BYE was sent, in mid-speech. */
  readonly byeUs?: number;
  /** How much speech was sent between the end of the beep and that; 0: the beep was not heard. */
  readonly saidMs: number;
  /** Why there was no call. */
  readonly failure?: string;
};

export type CallBatch = {
  /** Numbers of the callers: `from` to `to` − 1. */
  readonly from: number;
  readonly to: number;
  /** They call one after the other, evenly, in this time… */
  readonly callMs: number;
  /** …all speak for so long… */
  readonly speechMs: number;
  /** …and hang up one after the other, evenly, in this time. */
  readonly hangUpMs: number;
};

export type BatchTimes = {
  readonly calls: readonly CallTimes[];
  /** How late the sender ever was. */
  readonly lateMs: number;
};

/** A caller who waits for the beep, speaks, and hangs up while it does. */
class Caller {
  readonly caller: number;
  readonly rtp: DatagramSocket;
  readonly voice: Uint8Array;
  readonly ssrc: number = Math.floor(systemRandom.fraction() * 2 ** 32);
  readonly session: InviteClientSession;
  remote: RemoteMedia | undefined;
  sent = 0;
  /** Arrival of the latest packet of the beep. */
  beepUs: number | undefined;
  /** Packets of speech. */
  said = 0;
  byeUs: number | undefined;
  failure: string | undefined;
  readonly #over = Promise.withResolvers<undefined>();

  constructor(caller: number, rtp: DatagramSocket, session: InviteClientSession) {
    this.caller = caller;
    this.rtp = rtp;
    this.session = session;
    this.voice = voiceOf(caller);
    session.onAccept = (remote) => {
      this.remote = remote;
    };
    session.onEnd = ({ status, reason }) => {
      this.remote = undefined;
      if (this.byeUs === undefined) this.failure = `ended by the server: ${status} ${reason}`;
      this.#over.resolve(undefined);
    };
  }

  /** It has begun to speak, or never will. */
  get isReady(): boolean {
    return this.said > 0 || this.failure !== undefined;
  }

  heard(data: Uint8Array, arrivalUs: number): void {
    for (let at = HEADER_BYTES; at < data.length; at += 1) {
      if (((data[at] ?? MAGNITUDE) & MAGNITUDE) >= LOUD_BELOW) continue;
      this.beepUs = arrivalUs;
      return;
    }
  }

  /** What it says in the packet that is due at `dueUs`, late as that may be sent: nothing before the beep is over. */
  says(dueUs: number, silence: Uint8Array): Uint8Array {
    const isBeepOver = this.beepUs !== undefined && dueUs - this.beepUs >= BEEP_OVER_US;
    if (!isBeepOver) return silence;
    this.said += 1;
    return this.voice;
  }

  /** Sends BYE before it returns; resolves when that is answered. */
  async hangUp(): Promise<void> {
    if (this.failure === undefined) {
      this.remote = undefined;
      this.byeUs = systemClock.monotonicUs();
      await this.session.end({ status: 200, reason: 'OK' });
    } else await this.#over.promise;
    this.rtp.close();
  }

  get times(): CallTimes {
    const { caller, said, byeUs, failure } = this;
    return {
      caller,
      saidMs: said * PACKET_MS,
      ...(byeUs !== undefined && { byeUs }),
      ...(failure !== undefined && { failure }),
    };
  }
}

/** Callers of a bot, some at a time: SIP by our own stack, RTP by its own sockets. */
export class ResponsePhones {
  readonly #endpoint: SipEndpoint;
  readonly #bot: SipUri;
  readonly #media: DatagramNetwork;
  /** Nobody looks at what comes here. */
  readonly #rtcp: DatagramSocket;
  readonly #silence = silencePacket();
  readonly #packet = new Uint8Array(HEADER_BYTES + PACKET_SAMPLES);
  /** Callers by their place in the 20 ms. */
  #places: (Caller | undefined)[] = [];
  #startUs = 0;
  /** Places passed since the start. */
  #passed = 0;
  #lateMs = 0;
  #isSending = false;

  private constructor(
    endpoint: SipEndpoint,
    bot: SipUri,
    media: DatagramNetwork,
    rtcp: DatagramSocket,
  ) {
    this.#endpoint = endpoint;
    this.#bot = bot;
    this.#media = media;
    this.#rtcp = rtcp;
  }

  /** @param botUri what they call. */
  static async open(botUri: string, media: DatagramNetwork): Promise<ResponsePhones> {
    const bot = parseSipUri(botUri);
    if (!bot.ok) throw new Error(`not a SIP URI: ${botUri}`);
    const endpoint = await SipEndpoint.open(
      { hosts: [HOST], port: 0 },
      {
        clock: systemClock,
        random: systemRandom,
        datagrams: new NodeDatagramNetwork(systemClock),
        streams: new NodeStreamNetwork(),
      },
    );
    const rtcp = await media.bind({ host: HOST, port: 0, receive: () => undefined });
    return new ResponsePhones(endpoint, bot.value, media, rtcp);
  }

  /** Resolves when all of them have hung up, or were refused. */
  async call({ from, to, callMs, speechMs, hangUpMs }: CallBatch): Promise<BatchTimes> {
    this.#begin();
    const callers: Caller[] = [];
    await evenly(to - from, callMs, async (index) => {
      const caller = await this.#call(from + index);
      callers.push(caller);
      this.#places[(index * PLACE_STEP) % PLACES] = caller;
    });
    const patientUntilMs = performance.now() + PATIENCE_MS;
    while (!callers.every(({ isReady }) => isReady) && performance.now() < patientUntilMs) {
      await delay(LOOK_MS);
    }
    await delay(speechMs);
    await evenly(callers.length, hangUpMs, (index) => callers[index]?.hangUp());
    this.#isSending = false;
    return { calls: callers.map(({ times }) => times), lateMs: this.#lateMs };
  }

  async close(): Promise<void> {
    this.#isSending = false;
    await this.#endpoint.close();
    await this.#media.close();
  }

  #begin(): void {
    this.#places = Array.from({ length: PLACES }, () => undefined);
    this.#startUs = systemClock.monotonicUs();
    this.#passed = 0;
    this.#lateMs = 0;
    this.#isSending = true;
    this.#sendDue();
  }

  async #call(number: number): Promise<Caller> {
    const receiver: { caller?: Caller } = {};
    const rtp = await this.#media.bind({
      host: HOST,
      port: 0,
      receive: (data, _from, arrivalUs) => receiver.caller?.heard(data, arrivalUs),
    });
    const session = this.#endpoint.invite({
      uri: this.#bot,
      from: { user: numberOf(number), host: HOST, displayName: '' },
      media: { rtp: rtp.local, rtcp: this.#rtcp.local, formats: [PCMU] },
    });
    const caller = new Caller(number, rtp, session);
    receiver.caller = caller;
    return caller;
  }

  readonly #sendDue = (): void => {
    if (!this.#isSending) return;
    const nowUs = systemClock.monotonicUs();
    for (;;) {
      const dueUs = this.#startUs + this.#passed * PLACE_US;
      if (dueUs > nowUs) break;
      this.#lateMs = Math.max(this.#lateMs, (nowUs - dueUs) / 1000);
      const caller = this.#places[this.#passed % PLACES];
      if (caller?.remote !== undefined) this.#send(caller, caller.remote, dueUs);
      this.#passed += 1;
    }
    setImmediate(this.#sendDue);
  };

  #send(caller: Caller, { rtp }: RemoteMedia, dueUs: number): void {
    const number = caller.sent;
    caller.sent += 1;
    const timestamp = (number * PACKET_SAMPLES) >>> 0;
    const { payloadType } = PCMU;
    writeRtpHeader(
      this.#packet,
      number === 0,
      payloadType,
      number & 0xffff,
      timestamp,
      caller.ssrc,
    );
    this.#packet.set(caller.says(dueUs, this.#silence), HEADER_BYTES);
    caller.rtp.send(this.#packet, rtp);
  }
}

/** Does something so many times, evenly spread over some milliseconds; resolves when all of it is done. */
async function evenly(
  times: number,
  overMs: number,
  task: (index: number) => Promise<void> | undefined,
): Promise<void> {
  await Promise.all(
    Array.from({ length: times }, async (_, index) => {
      await delay((index * overMs) / times);
      await task(index);
    }),
  );
}
