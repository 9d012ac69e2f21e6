import { isG711, type CodecName, type RemoteMedia } from '../../core/media-format.ts';
import type { AudioEncoder } from '../../media/codec.ts';
import { MOST_PACKET_BYTES, type Codecs } from '../../media/codecs.ts';
import { Resampler } from '../../media/resample/resampler.ts';
import type { Leg } from '../leg.ts';
import { FRAME_MS, mixRateOf, WIDE_RATE_HZ, WIDE_SAMPLES, type MixRate } from './frame.ts';

/** What is sent if the far side asks for a packet time that its codec has no packets of. */
const USUAL_PACKET_MS = 20;
/** The last packet of a run may be shorter, but not than this: no codec has to have such packets. */
const SHORTEST_PACKET_MS = 10;
/** The highest rate of L16, and some room for rounding. */
const MOST_CONVERTED_SAMPLES = 3 * WIDE_SAMPLES + 2;

/** For all listeners of a thread: a leg copies what it sends. */
const PAYLOAD = new Uint8Array(MOST_PACKET_BYTES);
const CONVERTED = new Int16Array(MOST_CONVERTED_SAMPLES);

/** Packets that depend on nothing but the frame: whoever hears the same gets the same. */
const SHARED = { none: -1, PCMU: 0, PCMA: 1, narrowL16: 2, wideL16: 3 } as const;
type SharedKind = (typeof SHARED)[keyof typeof SHARED];

/** Packets that were encoded once for all who hear the same frame. */
export class SharedPackets {
  readonly #payloads = [0, 1, 2, 3].map(() => new Uint8Array(2 * WIDE_SAMPLES));
  /** 0: not encoded yet. */
  readonly #bytes = new Uint16Array(4);

  /** Another frame begins. */
  forget(): void {
    this.#bytes.fill(0);
  }

  /** Encodes unless somebody did; returns the bytes. */
  bytesOf(kind: SharedKind, encoder: AudioEncoder, samples: Int16Array): number {
    if (this.#bytes[kind] === 0) this.#bytes[kind] = encoder.encode(samples, this.payloadOf(kind));
    return this.#bytes[kind] ?? 0;
  }

  payloadOf(kind: SharedKind): Uint8Array {
    return this.#payloads[kind] ?? PAYLOAD;
  }
}

/** Sends one leg what it is to hear: frames of 20 ms in, packets of its format and packet time out. */
export class MixListener {
  readonly leg: Leg;
  /** Of the frames that it takes. */
  readonly rateHz: MixRate;
  readonly #shared: SharedKind;
  readonly #codec: CodecName;
  readonly #encoder: AudioEncoder;
  readonly #converter: Resampler | undefined;
  readonly #clockRateHz: number;
  /** Samples of the next packet so far. */
  readonly #packet: Int16Array<ArrayBuffer>;
  #filled = 0;
  /** Nothing was sent before, or not for a while. */
  #isFirst = true;

  /** `undefined` if nobody can encode the format. */
  static open(leg: Leg, media: RemoteMedia, codecs: Codecs): MixListener | undefined {
    const { format, packetTimeMs: wantedMs } = media;
    const wanted = codecs.encoder(format, { packetTimeMs: wantedMs });
    if (wanted !== undefined) return new MixListener(leg, media, wanted, wantedMs);
    const usual = codecs.encoder(format, { packetTimeMs: USUAL_PACKET_MS });
    return usual && new MixListener(leg, media, usual, USUAL_PACKET_MS);
  }

  private constructor(leg: Leg, media: RemoteMedia, encoder: AudioEncoder, packetTimeMs: number) {
    const { codec, clockRateHz } = media.format;
    const { sampleRateHz } = encoder;
    this.leg = leg;
    this.#codec = codec;
    this.rateHz = mixRateOf(sampleRateHz);
    this.#encoder = encoder;
    this.#clockRateHz = clockRateHz;
    if (sampleRateHz !== this.rateHz) {
      this.#converter = new Resampler(this.rateHz, sampleRateHz, 'live');
    }
    this.#packet = new Int16Array(Math.round((sampleRateHz * packetTimeMs) / 1000));
    const isWhole = this.#converter === undefined && packetTimeMs === FRAME_MS;
    this.#shared = isWhole ? sharedKind(codec, this.rateHz) : SHARED.none;
  }

  /** Nothing is heard from now on, until the next frame. */
  pause(): void {
    this.#isFirst = true;
    this.#filled = 0;
  }

  /** Sends the first `count` of `samples`, as soon as they fill packets. */
  write(samples: Int16Array, count: number, frameUs: number): void {
    if (this.#converter === undefined) this.#collect(samples, count, frameUs);
    else
      this.#collect(CONVERTED, this.#converter.process(samples, 0, count, CONVERTED, 0), frameUs);
  }

  /** As `write` of a whole frame which others hear as well. */
  writeShared(samples: Int16Array, shared: SharedPackets, frameUs: number): void {
    if (this.#shared === SHARED.none || this.#filled > 0) {
      this.write(samples, samples.length, frameUs);
      return;
    }
    const bytes = shared.bytesOf(this.#shared, this.#encoder, samples);
    this.#send(shared.payloadOf(this.#shared), bytes, samples.length, frameUs);
  }

  /** Sends what does not fill a packet in a shorter one. Not on the hot path. */
  flush(frameUs: number): void {
    const step = this.#packetStep;
    const count = Math.floor(this.#filled / step) * step;
    this.#filled = 0;
    if (count === 0) return;
    const bytes = this.#encoder.encode(this.#packet.subarray(0, count), PAYLOAD);
    this.#send(PAYLOAD, bytes, count, frameUs);
  }

  /** Idempotent. */
  close(): void {
    this.#encoder.close();
  }

  /** Samples by which packets of the codec differ in their length. */
  get #packetStep(): number {
    if (this.#codec === 'opus') return (this.#encoder.sampleRateHz * SHORTEST_PACKET_MS) / 1000;
    return this.#codec === 'G722' ? 2 : 1;
  }

  #collect(samples: Int16Array, count: number, frameUs: number): void {
    const packet = this.#packet;
    for (let at = 0; at < count; at += 1) {
      packet[this.#filled++] = samples[at] as number; // inside, by the contract
      if (this.#filled < packet.length) continue;
      this.#filled = 0;
      this.#send(PAYLOAD, this.#encoder.encode(packet, PAYLOAD), packet.length, frameUs);
    }
  }

  #send(payload: Uint8Array, bytes: number, samples: number, frameUs: number): void {
    const ticks = (samples / this.#encoder.sampleRateHz) * this.#clockRateHz;
    this.leg.sendFrame(payload, bytes, ticks, this.#isFirst, frameUs);
    this.#isFirst = false;
  }
}

function sharedKind(codec: CodecName, rateHz: MixRate): SharedKind {
  if (isG711(codec)) return SHARED[codec];
  if (codec !== 'L16') return SHARED.none;
  return rateHz === WIDE_RATE_HZ ? SHARED.wideL16 : SHARED.narrowL16;
}
