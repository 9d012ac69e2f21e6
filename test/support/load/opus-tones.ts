import type { AudioFormat } from '../../../src/core/media-format.ts';
import { loadCodecs, MOST_PACKET_SAMPLES, type Codecs } from '../../../src/media/codecs.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { PACKET_MS, TONE_PEAK } from './payloads.ts';
import { farthestDb } from './tone-check.ts';

export const OPUS: AudioFormat = { codec: 'opus', payloadType: 111, clockRateHz: 48_000 };

/** A second, which has whole periods of the tones in it. */
const ROUND_PACKETS = 50;
/** Beginnings that are tried are longer by these. */
const STEP_PACKETS = 5;
const LONGEST_PACKETS = 100;
/** As often a round is decoded: what it does to the one behind it shows in the second. */
const ROUNDS = 3;
/** A decoder's frames are to be this near to the tone, where a recording's have to be within 1 dB. */
const NEAR_DB = 0.7;
/** The encoder begins with nothing; a recording is not looked at there either. */
const FIRST_FRAMES = 3;

/** How a phone says a steady tone: what its stream begins with, and what comes over and over after it. */
export type OpusTone = {
  readonly beginning: readonly Uint8Array[];
  readonly round: readonly Uint8Array[];
};

/** Packet `number` of the stream, from 0. */
export function packetOf({ beginning, round }: OpusTone, number: number): Uint8Array {
  const packet = beginning[number] ?? round[(number - beginning.length) % round.length];
  return packet ?? new Uint8Array();
}

/**
 * Streams of Opus, whose packets build on each other: a decoder that hears one from a packet in its middle
 * is several dB off for half a second, and so it is where a round that was cut at just any place begins again,
 * as libopus says a steady tone in another way each time. So a stream begins with the first packet of its
 * encoder, and its round is one that a decoder says evenly.
 */
export async function opusTones(frequenciesHz: readonly number[]): Promise<Map<number, OpusTone>> {
  const codecs = await loadCodecs();
  return new Map(frequenciesHz.map((hz) => [hz, evenTone(codecs, hz)]));
}

/** Throws if there is none. */
function evenTone(codecs: Codecs, frequencyHz: number): OpusTone {
  const packets = encoded(codecs, frequencyHz);
  for (let from = STEP_PACKETS; from <= LONGEST_PACKETS; from += STEP_PACKETS) {
    const tone = {
      beginning: packets.slice(0, from),
      round: packets.slice(from, from + ROUND_PACKETS),
    };
    const { samples, sampleRateHz } = decoded(codecs, tone, from + ROUNDS * ROUND_PACKETS);
    if (farthestDb(samples, sampleRateHz, frequencyHz, FIRST_FRAMES) <= NEAR_DB) return tone;
  }
  throw new Error(`no second of ${frequencyHz} Hz in Opus can be said over and over`);
}

function encoded(codecs: Codecs, frequencyHz: number): readonly Uint8Array[] {
  const encoder = codecs.encoder(OPUS, { packetTimeMs: PACKET_MS });
  if (encoder === undefined) throw new Error('no encoder of Opus');
  const { sampleRateHz } = encoder;
  const count = (sampleRateHz * PACKET_MS) / 1000;
  const tone = { frequencyHz, amplitude: TONE_PEAK * 32_768 };
  const payload = new Uint8Array(1_500);
  const packets = Array.from({ length: LONGEST_PACKETS + ROUND_PACKETS }, (_, number) => {
    const samples = sine(tone, sampleRateHz, count, number * count);
    return payload.slice(0, encoder.encode(samples, payload));
  });
  encoder.close();
  return packets;
}

function decoded(
  codecs: Codecs,
  tone: OpusTone,
  packets: number,
): { readonly samples: Int16Array; readonly sampleRateHz: number } {
  const decoder = codecs.decoder(OPUS);
  if (decoder === undefined) throw new Error('no decoder of Opus');
  const { sampleRateHz } = decoder;
  const samples = new Int16Array((packets * sampleRateHz * PACKET_MS) / 1000);
  const room = new Int16Array(MOST_PACKET_SAMPLES);
  let at = 0;
  for (let number = 0; number < packets; number += 1) {
    const count = decoder.decode(packetOf(tone, number), room);
    samples.set(room.subarray(0, count), at);
    at += count;
  }
  decoder.close();
  return { samples, sampleRateHz };
}
