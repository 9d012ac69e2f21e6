import type { LegId } from '../../core/ids.ts';
import { sampleRateOf, type AudioFormat, type RemoteMedia } from '../../core/media-format.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import type { AudioDecoder, AudioEncoder } from '../../media/codec.ts';
import { MOST_PACKET_BYTES, MOST_PACKET_SAMPLES } from '../../media/codecs.ts';
import { timestampDistance } from '../../protocols/rtp/arithmetic.ts';
import type { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import {
  CALL,
  CODECS,
  packet,
  readHeader,
  remoteMedia,
  type TwoPartyCall,
} from './two-party-call.ts';

export type PhoneOptions = {
  /** Its leg, address and participant are made of it. */
  readonly number: number;
  readonly format: AudioFormat;
  /** What it says: a sample at a moment, in seconds of its own time. Default: nothing is sent. */
  readonly voice?: (seconds: number) => number;
  /** Default 20. */
  readonly packetTimeMs?: number;
  /** When it sends in its packet time. Default: another moment for each number. */
  readonly phaseMs?: number;
  readonly direction?: RemoteMedia['direction'];
};

/** A tone of this frequency. */
export function sine(hz: number, amplitude: number): (seconds: number) => number {
  return (seconds) => amplitude * Math.sin(2 * Math.PI * hz * seconds);
}

/** A phone on a memory network: says something packet by packet, and hears what comes, by its timestamps. */
export class SoundingPhone {
  readonly legId: LegId;
  readonly participantId: string;
  readonly address: SocketAddress;
  /** Of everything that it received so far. */
  readonly headers: RtpHeaderReader[] = [];
  readonly rateHz: number;
  readonly packetTimeMs: number;
  readonly phaseMs: number;
  /** What the network does with the datagram that the phone sends as its `number`th. */
  network: (deliver: () => void, number: number) => void = (deliver) => {
    deliver();
  };
  isSending: boolean;
  readonly #call: TwoPartyCall;
  readonly #options: PhoneOptions;
  readonly #encoder: AudioEncoder;
  readonly #decoder: AudioDecoder;
  readonly #heard: { readonly at: number; readonly samples: Int16Array }[] = [];
  #legAddress: SocketAddress | undefined;
  #sent = 0;
  #firstTimestamp: number | undefined;

  constructor(call: TwoPartyCall, options: PhoneOptions) {
    const { number, format, packetTimeMs = 20, phaseMs = (3 * number) % packetTimeMs } = options;
    this.legId = `leg-${number}` as LegId;
    this.participantId = `8:acs:${number}`;
    this.address = { address: '192.0.2.9', port: 4000 + 2 * number };
    this.rateHz = sampleRateOf(format);
    this.packetTimeMs = packetTimeMs;
    this.phaseMs = phaseMs;
    this.isSending = options.voice !== undefined;
    this.#call = call;
    this.#options = options;
    const encoder = CODECS.encoder(format, { packetTimeMs });
    const decoder = CODECS.decoder(format);
    if (encoder === undefined || decoder === undefined) throw new Error('no such codec');
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  get media(): RemoteMedia {
    const { format, direction } = this.#options;
    return remoteMedia(this.address, {
      format,
      packetTimeMs: this.packetTimeMs,
      ...(direction === undefined ? {} : { direction }),
    });
  }

  async join(): Promise<void> {
    const { host } = this.#call;
    const { legId, participantId } = this;
    const sockets = await host.openLeg({
      serverCallId: CALL,
      legId,
      participantId,
      addressFamily: 'IPv4',
    });
    this.#legAddress = sockets.rtp;
    await host.setLegMedia(legId, this.media);
  }

  async leave(): Promise<void> {
    await this.#call.host.closeLeg(this.legId);
    this.#legAddress = undefined;
  }

  /** Its next packet. */
  send(): void {
    const { voice, format, number } = this.#options;
    const to = this.#legAddress;
    const sequence = this.#sent++;
    if (to === undefined || voice === undefined || !this.isSending) return;
    const count = Math.round((this.rateHz * this.packetTimeMs) / 1000);
    const first = sequence * count;
    const samples = Int16Array.from({ length: count }, (_, at) =>
      voice((first + at) / this.rateHz),
    );
    const payload = new Uint8Array(MOST_PACKET_BYTES);
    const bytes = this.#encoder.encode(samples, payload);
    const datagram = packet({
      payloadType: format.payloadType,
      sequenceNumber: (60_000 + sequence) & 0xffff,
      timestamp: (sequence * this.#ticks) >>> 0,
      ssrc: number + 1,
      payload: payload.subarray(0, bytes),
    });
    this.network(() => {
      this.#call.network.deliver(this.address, to, datagram);
    }, sequence);
  }

  /** Takes what has come since the last call. */
  receive(): void {
    for (const datagram of this.#call.network.takeSentTo(this.address)) {
      const header = readHeader(datagram);
      this.headers.push(header);
      this.#firstTimestamp ??= header.timestamp;
      const ticks = timestampDistance(this.#firstTimestamp, header.timestamp);
      const at = Math.round((ticks / this.#options.format.clockRateHz) * this.rateHz);
      const into = new Int16Array(MOST_PACKET_SAMPLES);
      const { payloadOffset, payloadBytes } = header;
      const payload = datagram.subarray(payloadOffset, payloadOffset + payloadBytes);
      const count = this.#decoder.decode(payload, into);
      this.#heard.push({ at, samples: into.slice(0, count) });
    }
  }

  /** By timestamps, from the first packet on; what no packet was sent for is silence. */
  get heard(): Int16Array {
    const end = this.#heard.reduce(
      (last, { at, samples }) => Math.max(last, at + samples.length),
      0,
    );
    const all = new Int16Array(end);
    for (const { at, samples } of this.#heard) all.set(samples, at);
    return all;
  }

  /** What it heard in the last `ms`. */
  lately(ms: number): Int16Array {
    const { heard } = this;
    return heard.subarray(Math.max(0, heard.length - Math.round((ms * this.rateHz) / 1000)));
  }

  get #ticks(): number {
    return Math.round((this.#options.format.clockRateHz * this.packetTimeMs) / 1000);
  }
}

/** Lets the phones speak for `ms`: each sends at its own moment of every packet time, and takes what comes. */
export function talk(call: TwoPartyCall, phones: readonly SoundingPhone[], ms: number): void {
  for (let passed = 0; passed < ms; passed += 1) {
    const now = Math.round(call.clock.monotonicUs() / 1000);
    for (const phone of phones) {
      if (now % phone.packetTimeMs === phone.phaseMs) phone.send();
    }
    call.clock.advance(1);
    for (const phone of phones) phone.receive();
  }
}

/** Amplitude of a tone in a stretch of sound. */
export function levelOf(samples: Int16Array, hz: number, rateHz: number): number {
  let real = 0;
  let imaginary = 0;
  let weights = 0;
  samples.forEach((sample, at) => {
    // Hann: other tones leave next to nothing.
    const weight = 1 - Math.cos((2 * Math.PI * (at + 0.5)) / samples.length);
    const phase = (2 * Math.PI * hz * at) / rateHz;
    real += weight * sample * Math.cos(phase);
    imaginary += weight * sample * Math.sin(phase);
    weights += weight;
  });
  return (2 * Math.hypot(real, imaginary)) / weights;
}
