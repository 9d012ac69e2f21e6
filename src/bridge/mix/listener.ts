import type { CodecName, RemoteMedia } from '../../core/media-format.ts';
import type { AudioEncoder } from '../../media/codec.ts';
import { MOST_PACKET_BYTES, type Codecs } from '../../media/codecs.ts';
import { MixLimiter } from '../../media/mix/limiter.ts';
import { Resampler } from '../../media/resample/resampler.ts';
import type { Leg } from '../leg.ts';
import { FRAME_MS, mixRateOf, WIDE_SAMPLES, type MixRate } from './frame.ts';
import {
  hasMemory,
  SHARED,
  sharedKind,
  type SharedEncoders,
  type SharedKind,
} from './shared-encoders.ts';

/** What is sent if the far side asks for a packet time that its codec has no packets of. */
const USUAL_PACKET_MS = 20;
/** The last packet of a run may be shorter, but not than this: no codec has to have such packets. */
const SHORTEST_PACKET_MS = 10;
/** The highest rate of L16, and some room for rounding. */
const MOST_CONVERTED_SAMPLES = 3 * WIDE_SAMPLES + 2;

/** For all listeners of a thread: a leg copies what it sends. */
const PAYLOAD = new Uint8Array(MOST_PACKET_BYTES);
const CONVERTED = new Int16Array(MOST_CONVERTED_SAMPLES);

/** Sends one leg what it is to hear: frames of 20 ms in, packets of its format and packet time out. */
export class MixListener {
  readonly leg: Leg;
  /** Of the frames that it takes. */
  readonly rateHz: MixRate;
  /** Of what only this leg hears. */
  readonly limiter: MixLimiter = new MixLimiter();
  readonly #shared: SharedEncoders;
  readonly #kind: SharedKind;
  readonly #media: RemoteMedia;
  readonly #codec: CodecName;
  readonly #encoder: AudioEncoder;
  readonly #converter: Resampler | undefined;
  readonly #clockRateHz: number;
  /** Samples of the next packet so far. */
  readonly #packet: Int16Array<ArrayBuffer>;
  #filled = 0;
  /** Nothing was sent before, or not for a while. */
  isFirst = true;
  /** What was sent last was encoded for others as well, who do not forget. */
  #wasShared = false;

  /** `undefined` if nobody can encode the format. */
  static open(
    leg: Leg,
    media: RemoteMedia,
    codecs: Codecs,
    shared: SharedEncoders,
  ): MixListener | undefined {
    const { format, packetTimeMs: wantedMs } = media;
    const wanted = codecs.encoder(format, { packetTimeMs: wantedMs });
    if (wanted !== undefined) return new MixListener(leg, media, wanted, wantedMs, shared);
    const usual = codecs.encoder(format, { packetTimeMs: USUAL_PACKET_MS });
    return usual && new MixListener(leg, media, usual, USUAL_PACKET_MS, shared);
  }

  private constructor(
    leg: Leg,
    media: RemoteMedia,
    encoder: AudioEncoder,
    packetTimeMs: number,
    shared: SharedEncoders,
  ) {
    const { codec, clockRateHz } = media.format;
    const { sampleRateHz } = encoder;
    this.leg = leg;
    this.#media = media;
    this.#shared = shared;
    this.#codec = codec;
    this.rateHz = mixRateOf(sampleRateHz);
    this.#encoder = encoder;
    this.#clockRateHz = clockRateHz;
    if (sampleRateHz !== this.rateHz) {
      this.#converter = new Resampler(this.rateHz, sampleRateHz, 'live');
    }
    this.#packet = new Int16Array(Math.round((sampleRateHz * packetTimeMs) / 1000));
    const isWhole = this.#converter === undefined && packetTimeMs === FRAME_MS;
    this.#kind = isWhole ? sharedKind(codec, this.rateHz) : SHARED.none;
  }

  /** Nothing is heard from now on, until the next frame. */
  pause(): void {
    if (!this.isFirst) this.leg.rest();
    this.isFirst = true;
    this.#wasShared = false;
    this.#filled = 0;
  }

  /** Sends the first `count` of `samples`, as soon as they fill packets. */
  write(samples: Int16Array, count: number, frameUs: number): void {
    if (this.#wasShared) this.#shared.prime(this.#kind, this.#encoder);
    this.#wasShared = false;
    if (this.#kind !== SHARED.none && this.#filled === 0 && count === this.#packet.length) {
      // Mostly: nothing is to be collected.
      this.#send(PAYLOAD, this.#encoder.encode(samples, PAYLOAD), count, frameUs);
    } else if (this.#converter === undefined) {
      this.#collect(samples, count, frameUs);
    } else {
      this.#collect(CONVERTED, this.#converter.process(samples, 0, count, CONVERTED, 0), frameUs);
    }
  }

  /** As `write` of a whole frame, of which those who hear the same get the same packet. */
  writeShared(samples: Int16Array, frameUs: number): void {
    const kind = this.#kind;
    if (kind === SHARED.none || !this.#mayShare(kind, samples)) {
      this.write(samples, samples.length, frameUs);
      return;
    }
    const bytes = this.#shared.bytesOf(kind, this.#media.format, samples);
    this.#wasShared = hasMemory(kind);
    this.#send(this.#shared.payloadOf(kind), bytes, samples.length, frameUs);
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
    this.leg.rest();
    this.#encoder.close();
  }

  /** Samples by which packets of the codec differ in their length. */
  get #packetStep(): number {
    if (this.#codec === 'opus') return (this.#encoder.sampleRateHz * SHORTEST_PACKET_MS) / 1000;
    return this.#codec === 'G722' ? 2 : 1;
  }

  /** Whoever has an encoder of their own that remembers keeps it until nobody hears the change. */
  #mayShare(kind: SharedKind, samples: Int16Array): boolean {
    if (this.#filled > 0) return false;
    if (!hasMemory(kind) || this.#wasShared || this.isFirst) return true;
    this.#shared.watch(samples);
    return this.#shared.isQuiet;
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
    this.leg.sendFrame(payload, bytes, ticks, this.isFirst, frameUs);
    this.isFirst = false;
  }
}
