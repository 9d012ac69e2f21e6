import type { AudioFormat } from '../../../src/core/media-format.ts';
import { loadCodecs } from '../../../src/media/codecs.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { PACKET_MS, TONE_PEAK } from './payloads.ts';

export const OPUS: AudioFormat = { codec: 'opus', payloadType: 111, clockRateHz: 48_000 };

/** A second of packets, over and over: its tones have whole periods in it. */
const ROUND_PACKETS = 50;
/** The encoder swings in for so long before. */
const SWING_PACKETS = 50;

/** Packets of Opus of a steady tone, made once for each frequency. */
export async function opusTones(): Promise<(frequencyHz: number) => readonly Uint8Array[]> {
  const codecs = await loadCodecs();
  const known = new Map<number, readonly Uint8Array[]>();
  return (frequencyHz) => {
    const before = known.get(frequencyHz);
    if (before !== undefined) return before;
    const encoder = codecs.encoder(OPUS, { packetTimeMs: PACKET_MS });
    if (encoder === undefined) throw new Error('no encoder of Opus');
    const { sampleRateHz } = encoder;
    const count = (sampleRateHz * PACKET_MS) / 1000;
    const tone = { frequencyHz, amplitude: TONE_PEAK * 32_768 };
    const payload = new Uint8Array(1_500);
    const packets: Uint8Array[] = [];
    for (let number = 0; number < SWING_PACKETS + ROUND_PACKETS; number += 1) {
      const samples = sine(tone, sampleRateHz, count, number * count);
      const bytes = encoder.encode(samples, payload);
      if (number >= SWING_PACKETS) packets.push(payload.slice(0, bytes));
    }
    encoder.close();
    known.set(frequencyHz, packets);
    return packets;
  };
}
