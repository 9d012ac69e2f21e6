import type { Application, EncoderCtl, Signal } from 'libopus-wasm';
import { TapedeckError } from '../../core/error.ts';

/** Numbers of opus_defines.h that are used. */
export const OPUS: {
  readonly voip: typeof Application.Voip;
  readonly setBitrate: typeof EncoderCtl.SetBitrate;
  readonly setComplexity: typeof EncoderCtl.SetComplexity;
  readonly setInBandFec: typeof EncoderCtl.SetInBandFec;
  readonly setPacketLossPercent: typeof EncoderCtl.SetPacketLossPercent;
  readonly setSignal: typeof EncoderCtl.SetSignal;
  readonly voice: typeof Signal.Voice;
} = {
  voip: 2048,
  setBitrate: 4002,
  setComplexity: 4010,
  setInBandFec: 4012,
  setPacketLossPercent: 4014,
  setSignal: 4024,
  voice: 3001,
};

/** What libopus' compiled module exports. Addresses are offsets into its memory; errors are negative. */
type Module = {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly _malloc: (bytes: number) => number;
  readonly _oc_create_decoder: (rateHz: number, channels: number, error: number) => number;
  readonly _oc_destroy_decoder: (decoder: number) => void;
  readonly _oc_decode: (
    decoder: number,
    packet: number,
    packetBytes: number,
    samples: number,
    count: number,
    fromNext: 0 | 1,
  ) => number;
  readonly _oc_create_encoder: (
    rateHz: number,
    channels: number,
    application: number,
    error: number,
  ) => number;
  readonly _oc_destroy_encoder: (encoder: number) => void;
  readonly _oc_encoder_ctl: (encoder: number, request: number, value: number) => number;
  readonly _oc_encode: (
    encoder: number,
    samples: number,
    count: number,
    packet: number,
    packetBytes: number,
  ) => number;
};

/** 120 ms, the longest packet (RFC 6716 §3.2.5), at `OPUS_RATE_HZ`. */
export const MOST_OPUS_SAMPLES = 1920;
/** 120 ms at 510 kbit/s, the most that encoders make, and some; longer ones are refused. */
export const MOST_OPUS_BYTES = 8192;
/** Everything is decoded to it and encoded from it: no caller's voice needs more. */
export const OPUS_RATE_HZ = 16_000;

/**
 * libopus for all streams of a thread: they share one room for a packet and one for its samples, and
 * nothing is allocated from packet to packet.
 */
export class Libopus {
  readonly #module: Module;
  readonly #packetAt: number;
  readonly #samplesAt: number;
  readonly #errorAt: number;
  /** Views of the memory, which becomes another one when it grows: only making a coder does that. */
  #packet: Uint8Array<ArrayBuffer>;
  #samples: Int16Array<ArrayBuffer>;

  /**
   * The package's own wrapper makes new arrays for every packet and promises for every coder, so only
   * the module that it loads is used; it is pinned to the version that this was written for.
   */
  static async load(): Promise<Libopus> {
    const wrapper = import.meta.resolve('libopus-wasm');
    const { default: instantiate } = (await import(
      new URL('./generated/libopus.generated.mjs', wrapper).href
    )) as { readonly default: () => Promise<Module> };
    return new Libopus(await instantiate());
  }

  private constructor(module: Module) {
    this.#module = module;
    this.#packetAt = this.#allocated(module._malloc(MOST_OPUS_BYTES));
    this.#samplesAt = this.#allocated(module._malloc(2 * MOST_OPUS_SAMPLES));
    this.#errorAt = this.#allocated(module._malloc(4));
    this.#packet = new Uint8Array();
    this.#samples = new Int16Array();
    this.#view();
  }

  /** Where the next packet is put, and found after `encode`. Not to be kept. */
  get packet(): Uint8Array {
    return this.#packet;
  }

  /** Where the samples to encode are put, and found after `decode`. Not to be kept. */
  get samples(): Int16Array {
    return this.#samples;
  }

  /** Of the module's memory, which only grows; the system backs what was ever used of it. */
  get memoryBytes(): number {
    return this.#module.HEAPU8.byteLength;
  }

  /** A decoder of one stream, stereo or not, to mono. Throws `internal` if memory gives out. */
  createDecoder(): number {
    const decoder = this.#module._oc_create_decoder(OPUS_RATE_HZ, 1, this.#errorAt);
    this.#view();
    return this.#allocated(decoder);
  }

  destroyDecoder(decoder: number): void {
    this.#module._oc_destroy_decoder(decoder);
  }

  /**
   * The packet of `packetBytes` → samples. Returns how many; negative for bytes that are no packet.
   * @param packetBytes 0: the packet was lost, and `count` samples (of whole 2.5 ms) are guessed.
   * @param fromNext 1: the `count` samples that were lost before the packet, as far as it tells.
   */
  decode(decoder: number, packetBytes: number, count: number, fromNext: 0 | 1): number {
    const packet = packetBytes === 0 ? 0 : this.#packetAt;
    return this.#module._oc_decode(decoder, packet, packetBytes, this.#samplesAt, count, fromNext);
  }

  /** An encoder of one mono stream. Throws `internal` if memory gives out. */
  createEncoder(application: number): number {
    const encoder = this.#module._oc_create_encoder(OPUS_RATE_HZ, 1, application, this.#errorAt);
    this.#view();
    return this.#allocated(encoder);
  }

  destroyEncoder(encoder: number): void {
    this.#module._oc_destroy_encoder(encoder);
  }

  /** Throws `internal` for a value that libopus does not take. */
  setEncoder(encoder: number, request: number, value: number): void {
    if (this.#module._oc_encoder_ctl(encoder, request, value) < 0) {
      throw new TapedeckError('internal', `opus: the encoder refuses ${value} for ${request}`);
    }
  }

  /** The first `count` samples → a packet of at most `mostBytes`. Returns its bytes, negative if none. */
  encode(encoder: number, count: number, mostBytes: number): number {
    const room = Math.min(mostBytes, MOST_OPUS_BYTES);
    return this.#module._oc_encode(encoder, this.#samplesAt, count, this.#packetAt, room);
  }

  #allocated(address: number): number {
    if (address === 0) throw new TapedeckError('internal', 'opus: no memory is left');
    return address;
  }

  #view(): void {
    const { buffer } = this.#module.HEAPU8;
    if (this.#packet.buffer === buffer) return;
    this.#packet = new Uint8Array(buffer, this.#packetAt, MOST_OPUS_BYTES);
    this.#samples = new Int16Array(buffer, this.#samplesAt, MOST_OPUS_SAMPLES);
  }
}
