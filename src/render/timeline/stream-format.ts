import type { JournalStream } from '../../journal/journal-stream.ts';
import { g711Samples } from '../../media/g711/g711.ts';
import { opusPacketSamples } from '../../media/opus/opus-packet.ts';
import { TIMELINE_RATE_HZ } from './constants.ts';

export type StreamCodec = 'PCMU' | 'PCMA' | 'G722' | 'L16' | 'OPUS';

/** What turns the payloads of a stream into samples at their places. */
export type StreamFormat = {
  readonly codec: StreamCodec;
  /** Of its samples: what the codec has, or the recorder needs of it. */
  readonly rateHz: number;
  /** Of its samples, as many go on one of the timeline. */
  readonly scale: 1 | 2;
  /** Its RTP clock may be another one. */
  readonly samplesPerTick: number;
  /** Sound comes out of the decoder this much later than it went into the encoder. */
  readonly delaySamples: number;
  /** The samples of the 256 codes, if there is no more to decoding than that. */
  readonly table: Int16Array | undefined;
};

/** 11 samples in the mirror filters of the encoder, 11 in those of the decoder. */
const G722_DELAY_SAMPLES = 22;
/**
 * 6.5 ms: libopus looks ahead by these (2.5 ms only in its mode of restricted delay, which nothing in a
 * packet tells, and which telephones do not use).
 */
const OPUS_DELAY_SAMPLES = 104;
const OPUS_CLOCK_HZ = 48_000;
const WIDE_RATE_HZ = 16_000;
/** Longer packets than 0.2 s are none (RFC 3551 §4.2). */
const PACKETS_PER_SECOND = 5;

/** `undefined` for codecs that this version does not know, and for L16 at rates that nobody agrees on. */
export function streamFormatOf(
  stream: Pick<JournalStream, 'codec' | 'clockRateHz'>,
): StreamFormat | undefined {
  const { clockRateHz } = stream;
  const codec = stream.codec.toUpperCase();
  switch (codec) {
    case 'PCMU':
    case 'PCMA':
      return formatOf(codec, TIMELINE_RATE_HZ, TIMELINE_RATE_HZ, 0, g711Samples(codec));
    case 'G722':
      // By a mistake of the first RFC its clock is half of its rate for ever (RFC 3551 §4.5.2).
      return formatOf(codec, WIDE_RATE_HZ, TIMELINE_RATE_HZ, G722_DELAY_SAMPLES, undefined);
    case 'OPUS':
      return formatOf(codec, WIDE_RATE_HZ, OPUS_CLOCK_HZ, OPUS_DELAY_SAMPLES, undefined);
    case 'L16':
      return clockRateHz === TIMELINE_RATE_HZ || clockRateHz === WIDE_RATE_HZ
        ? formatOf(codec, clockRateHz, clockRateHz, 0, undefined)
        : undefined;
    default:
      return undefined;
  }
}

function formatOf(
  codec: StreamCodec,
  rateHz: number,
  clockRateHz: number,
  delaySamples: number,
  table: Int16Array | undefined,
): StreamFormat {
  return {
    codec,
    rateHz,
    scale: rateHz === TIMELINE_RATE_HZ ? 1 : 2,
    samplesPerTick: rateHz / clockRateHz,
    delaySamples,
    table,
  };
}

/** Samples of the payload `bytes[from…from+count)`; 0 if it is none of the format. */
export function payloadSamples(
  { codec, table, rateHz }: StreamFormat,
  bytes: Uint8Array,
  from: number,
  count: number,
): number {
  if (table !== undefined) return count;
  if (codec === 'OPUS') return opusPacketSamples(bytes, from, count);
  const samples = codec === 'G722' ? 2 * count : count % 2 === 0 ? count / 2 : 0;
  return samples > rateHz / PACKETS_PER_SECOND ? 0 : samples;
}
