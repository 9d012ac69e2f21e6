import { INTERPOLATOR_REACH } from '../../media/resample/slew-interpolator.ts';
import { MOST_PACKET_SAMPLES } from '../../media/codecs.ts';
import { isSilentOpus, opusEarlierSamples } from '../../media/opus/opus-packet.ts';
import { BLOCK_SAMPLES } from './constants.ts';
import type { PacketWindow } from './packet-window.ts';
import type { SpanDecoder, SpanDecoders } from './span-decoder.ts';
import type { StreamFormat } from './stream-format.ts';

/** One packet's samples, for all spans of a thread. */
const packetSamples = new Int16Array(MOST_PACKET_SAMPLES);

/**
 * The sound of a span whose packets build on each other: each is decoded once, in the order of their
 * numbers, when all of its time have arrived or are too late. What was not received is silence, as it is
 * with codecs of single samples: a recording has what was sent, and invents nothing. What a packet of Opus
 * tells of the lost one before it was sent, and so is heard; what decoders make up is not. They are not even
 * asked to, as libopus then lets the voice come back slowly: the first 20 ms that were received after a loss
 * would be at half of their level.
 */
export class DecodedSamples {
  readonly #format: StreamFormat;
  readonly #samples: Int16Array;
  #decoder: SpanDecoder | undefined;
  /** Position of the first of `#samples`. */
  #start = 0;
  /** Behind the last sample that was decoded. */
  #end = -Infinity;
  #lastSequence = -1;

  constructor(format: StreamFormat) {
    this.#format = format;
    const block = format.scale * BLOCK_SAMPLES + 2 * INTERPOLATOR_REACH;
    this.#samples = new Int16Array(block + MOST_PACKET_SAMPLES);
  }

  /**
   * The samples from position `from` on; positions never decrease from call to call.
   * @param count the most that are valid then: a block and the interpolator's reach on both sides.
   * @returns valid until the next call.
   */
  take(window: PacketWindow, from: number, count: number, decoders: SpanDecoders): Int16Array {
    this.#moveTo(from);
    const limit = from + count;
    let sequence = window.next(this.#lastSequence, limit);
    for (; sequence >= 0; sequence = window.next(sequence, limit)) {
      this.#decoder ??= decoders.open(this.#format);
      this.#decode(window.payload(sequence), sequence, window.start(sequence));
    }
    return this.#samples;
  }

  /** Idempotent. A span that is silent for long begins anew after it. */
  close(): void {
    this.#decoder?.close?.();
    this.#decoder = undefined;
  }

  #moveTo(from: number): void {
    const samples = this.#samples;
    const by = from - this.#start;
    const kept = Math.max(0, Math.min(this.#end, this.#start + samples.length) - from);
    if (kept > 0 && by > 0) samples.copyWithin(0, by, by + kept);
    samples.fill(0, kept);
    this.#start = from;
  }

  #decode(payload: Uint8Array, sequence: number, start: number): void {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    const hasLost = this.#lastSequence >= 0 && sequence !== this.#lastSequence + 1;
    this.#lastSequence = sequence;
    if (hasLost && start > this.#end) this.#recover(decoder, payload, start);
    const count = decoder.decode(payload, packetSamples);
    const isSilent = this.#format.codec === 'OPUS' && isSilentOpus(payload);
    if (!isSilent) this.#put(start, count);
    this.#end = Math.max(this.#end, start + count);
  }

  #recover(decoder: SpanDecoder, payload: Uint8Array, start: number): void {
    if (decoder.recover === undefined) return;
    const told = Math.min(start - this.#end, opusEarlierSamples(payload));
    if (told > 0) this.#put(start - told, decoder.recover(payload, told, packetSamples));
  }

  /** The first `count` of the packet's samples stand at `position`. */
  #put(position: number, count: number): void {
    // A packet that overlaps the one before it (a sender's mistake) begins behind it.
    const from = Math.max(position, this.#start, this.#end);
    const to = Math.min(position + count, this.#start + this.#samples.length);
    for (let place = from; place < to; place += 1) {
      this.#samples[place - this.#start] = packetSamples[place - position] as number; // inside
    }
  }
}
