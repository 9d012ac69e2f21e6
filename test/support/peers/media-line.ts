import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { frequenciesOf } from '../../../src/media/dtmf/frequencies.ts';
import { decodeG711, encodeG711 } from '../../../src/media/g711/g711.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { levelDb, toneAmplitude } from '../../../src/media/tone/tone-meter.ts';
import { TONES, type Tone } from '../../../src/core/tone.ts';
import {
  RTP_FIXED_HEADER_BYTES,
  RtpHeaderReader,
  writeRtpHeader,
} from '../../../src/protocols/rtp/header.ts';
import {
  buildTelephoneEvent,
  keyOf,
  MAX_EVENT_TICKS,
  parseTelephoneEvent,
} from '../../../src/protocols/rtp/telephone-event.ts';

const HOST = '127.0.0.1';
const RATE_HZ = 8_000;
const PACKET_MS = 20;
const PACKET_SAMPLES = 160;
const PCMU = 0;
const TELEPHONE_EVENT = 101;
const HEARD_PACKETS = 5;
/** Of what it says. */
export const AMPLITUDE = 16_384;
const SEGMENT_PACKETS = Math.floor(MAX_EVENT_TICKS / PACKET_SAMPLES);

export type Press = {
  /** Default 100. */
  readonly durationMs?: number;
  /** Whether the `index`th packet of the event, the ends included, is lost. Default none. */
  readonly isLost?: (index: number, isEnd: boolean) => boolean;
  /** How often each packet is sent. Default 1. */
  readonly copies?: number;
};

/** A key that was heard, by all packets with one timestamp. */
export type HeardKey = {
  readonly key: string | undefined;
  readonly packets: number;
  readonly ends: number;
  /** Of its RTP time, from that of the first key. */
  readonly startMs: number;
  /** As the last packet says. */
  readonly durationMs: number;
};

/** RTP as it came. */
export type HeardPacket = {
  readonly payloadType: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
  /** On `performance.now()`. */
  readonly atMs: number;
};

/** One packet of a key that is pressed. */
type Update = {
  readonly isFirst: boolean;
  /** From the start of the key to that of the segment. */
  readonly segmentTicks: number;
  readonly payload: Uint8Array;
  /** 0: it is lost. */
  readonly copies: number;
  readonly sent: (() => void) | undefined;
};

/** The media of a phone whose signalling is elsewhere: says a tone, presses keys, keeps what it hears. */
export class MediaLine {
  readonly port: number;
  /** Where what it says goes; nothing is sent before it is known. */
  remote: { readonly address: string; readonly port: number } | undefined;
  readonly heard: HeardPacket[] = [];
  /** When what it spoke was due to be sent, on `performance.now()`. */
  readonly spoken: { readonly fromMs: number; readonly toMs: number }[] = [];
  /** Of every packet: when it was due, and how much later it was sent. */
  readonly sent: { readonly dueMs: number; readonly lateMs: number }[] = [];
  readonly #socket: Socket;
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32);
  readonly #reader = new RtpHeaderReader();
  readonly #updates: Update[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();
  #frequencyHz = 0;
  /** Of a key that is heard, its other tone. */
  #secondHz = 0;
  #speech:
    { packetsLeft: number; fromMs: number | undefined; readonly said: () => void } | undefined;
  #sequence = 0;
  #ticks = 0;
  #eventStart = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (datagram) => {
      this.#hear(datagram);
    });
    this.#timer = setInterval(() => {
      this.#catchUp();
    }, PACKET_MS / 2);
  }

  static async open(): Promise<MediaLine> {
    const socket = createSocket('udp4');
    socket.bind(0, HOST);
    await once(socket, 'listening');
    return new MediaLine(socket);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
    for (const { sent } of this.#updates.splice(0)) sent?.();
    this.#speech?.said();
  }

  /** From now on it says this tone; 0 is silence, for which packets are sent as well. */
  say(frequencyHz: number): void {
    this.#frequencyHz = frequencyHz;
  }

  /** Says a tone for so long, then silence; resolves when it is said. */
  speak(frequencyHz: number, ms: number): Promise<void> {
    this.#frequencyHz = frequencyHz;
    return new Promise((resolve) => {
      this.#speech = { packetsLeft: ms / PACKET_MS, fromMs: undefined, said: resolve };
    });
  }

  /** Presses one key that is sent as sound; resolves when it is let go, with when it was due to be pressed. */
  async pressAloud(key: Tone, durationMs: number = 120): Promise<number> {
    const { rowHz, columnHz } = frequenciesOf(key);
    this.#secondHz = columnHz;
    await this.speak(rowHz, durationMs);
    return this.spoken.pop()?.fromMs ?? NaN;
  }

  /** Presses one key by RFC 4733, and resolves when it is let go. */
  press(
    key: Tone,
    { durationMs = 100, isLost = () => false, copies = 1 }: Press = {},
  ): Promise<void> {
    const event = TONES.indexOf(key);
    const count = Math.max(1, Math.round(durationMs / PACKET_MS));
    // The last update is sent three times (RFC 4733 §2.5.1.4).
    const updates = [...Array(count).keys(), count - 1, count - 1];
    return new Promise((resolve) => {
      updates.forEach((update, index) => {
        const end = index >= count - 1;
        // What is too long for its 16 bits is told of in segments (§2.5.1.3).
        const segment = Math.floor(update / SEGMENT_PACKETS);
        const durationTicks = ((update % SEGMENT_PACKETS) + 1) * PACKET_SAMPLES;
        this.#updates.push({
          isFirst: index === 0,
          segmentTicks: segment * SEGMENT_PACKETS * PACKET_SAMPLES,
          copies: isLost(index, end) ? 0 : copies,
          payload: buildTelephoneEvent({ event, end, volumeDbm0: 10, durationTicks }),
          sent: index === updates.length - 1 ? resolve : undefined,
        });
      });
    });
  }

  /** Keys that were heard, in their order. */
  keysHeard(): readonly HeardKey[] {
    const byStart = Map.groupBy(
      this.heard.filter((packet) => packet.payloadType === TELEPHONE_EVENT),
      (packet) => packet.timestamp,
    );
    const [first = 0] = byStart.keys();
    return [...byStart.values()].map((packets) => {
      const events = packets.map(({ payload }) => parseTelephoneEvent(payload));
      const values = events.flatMap((event) => (event.ok ? [event.value] : []));
      return {
        key: keyOf(values[0]?.event ?? -1),
        packets: packets.length,
        startMs: (((packets[0]?.timestamp ?? 0) - first) | 0) / (RATE_HZ / 1000),
        ends: values.filter((value) => value.end).length,
        durationMs: (values.at(-1)?.durationTicks ?? 0) / (RATE_HZ / 1000),
      };
    });
  }

  /** Level of a tone in the last 100 ms of speech, in dB; −∞ before there is as much. */
  levelOf(frequencyHz: number): number {
    const speech = this.heard
      .filter(({ payloadType }) => payloadType === PCMU)
      .slice(-HEARD_PACKETS);
    const codes = Buffer.concat(speech.map(({ payload }) => payload));
    if (codes.length < HEARD_PACKETS * PACKET_SAMPLES) return -Infinity;
    const samples = new Int16Array(codes.length);
    decodeG711('PCMU', codes, samples);
    return levelDb(toneAmplitude(samples, RATE_HZ, frequencyHz, 0, samples.length));
  }

  /** Packets of any kind after this moment of `performance.now()`. */
  packetsSince(ms: number): number {
    return this.heard.filter(({ atMs }) => atMs > ms).length;
  }

  /** Sends what should have been sent by now. */
  #catchUp(): void {
    const elapsed = Math.floor((performance.now() - this.#startMs) / PACKET_MS);
    while (this.#ticks < elapsed) {
      this.#sendOne();
      this.#ticks += 1;
    }
  }

  #sendOne(): void {
    if (this.remote === undefined) return;
    const now = this.#ticks * PACKET_SAMPLES;
    this.sent.push({ dueMs: this.#dueMs, lateMs: performance.now() - this.#dueMs });
    const update = this.#updates.shift();
    if (update === undefined) {
      this.#send(PCMU, now, false, this.#sound(now), 1);
      this.#countSpeech();
      return;
    }
    const { isFirst, segmentTicks, payload, copies, sent } = update;
    if (isFirst) this.#eventStart = now;
    this.#send(TELEPHONE_EVENT, this.#eventStart + segmentTicks, isFirst, payload, copies);
    sent?.();
  }

  get #dueMs(): number {
    return this.#startMs + (this.#ticks + 1) * PACKET_MS;
  }

  #countSpeech(): void {
    if (this.#speech === undefined) return;
    const dueMs = this.#dueMs;
    this.#speech.fromMs ??= dueMs;
    this.#speech.packetsLeft -= 1;
    if (this.#speech.packetsLeft > 0) return;
    this.spoken.push({ fromMs: this.#speech.fromMs, toMs: dueMs + PACKET_MS });
    this.#frequencyHz = 0;
    this.#secondHz = 0;
    this.#speech.said();
    this.#speech = undefined;
  }

  #sound(from: number): Uint8Array {
    const tone = { frequencyHz: this.#frequencyHz, amplitude: AMPLITUDE };
    const samples =
      this.#frequencyHz === 0
        ? new Int16Array(PACKET_SAMPLES)
        : sine(tone, RATE_HZ, PACKET_SAMPLES, from);
    if (this.#secondHz !== 0) {
      const second = sine({ ...tone, frequencyHz: this.#secondHz }, RATE_HZ, PACKET_SAMPLES, from);
      samples.forEach((sample, at) => {
        samples[at] = (sample + (second[at] ?? 0)) >> 1;
      });
    }
    const codes = new Uint8Array(PACKET_SAMPLES);
    encodeG711('PCMU', samples, codes);
    return codes;
  }

  #send(
    payloadType: number,
    timestamp: number,
    marker: boolean,
    payload: Uint8Array,
    copies: number,
  ): void {
    const datagram = new Uint8Array(RTP_FIXED_HEADER_BYTES + payload.length);
    writeRtpHeader(datagram, marker, payloadType, this.#sequence & 0xffff, timestamp, this.#ssrc);
    datagram.set(payload, RTP_FIXED_HEADER_BYTES);
    for (let copy = 0; copy < copies; copy += 1) {
      this.#socket.send(datagram, this.remote?.port, this.remote?.address);
    }
    this.#sequence += 1;
  }

  #hear(datagram: Uint8Array): void {
    if (!this.#reader.read(datagram)) return;
    const { payloadType, timestamp, payloadOffset, payloadBytes } = this.#reader;
    const payload = Uint8Array.from(datagram.subarray(payloadOffset, payloadOffset + payloadBytes));
    this.heard.push({ payloadType, timestamp, payload, atMs: performance.now() });
  }
}
