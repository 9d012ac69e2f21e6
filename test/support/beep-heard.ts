import { decodeG711 } from '../../src/media/g711/g711.ts';
import { findTone } from '../../src/media/tone/tone-meter.ts';
import type { HeardPacket } from './peers/media-line.ts';

/** The server's own. */
export const BEEP_HZ = 1_400;
export const BEEP_AMPLITUDE = 6_000;
const BEEP_MS = 240;
const PCMU = 0;
const RATE_HZ = 8_000;
const TICKS_PER_MS: number = RATE_HZ / 1_000;

/** PCMU of 8,000 samples a second, and when the first of them was played, on `performance.now()`. */
export type Sound = { readonly samples: Int16Array; readonly startMs: number };

/**
 * What came in these packets, played by the earliest of them, as a jitter buffer does.
 * @param isTimed whether a packet, which has the sound from so many ms on, says when it was played. Default all.
 */
export function soundOf(
  packets: readonly HeardPacket[],
  isTimed: (packet: HeardPacket, fromMs: number) => boolean = () => true,
): Sound {
  const placed = placedOf(packets);
  const samples = new Int16Array(
    Math.max(0, ...placed.map(({ at, packet }) => at + packet.payload.length)),
  );
  for (const { at, packet } of placed) {
    decodeG711('PCMU', packet.payload, samples.subarray(at, at + packet.payload.length));
  }
  const timed = placed.filter(({ packet, at }) => isTimed(packet, at / TICKS_PER_MS));
  const starts = timed.map(({ packet, at }) => packet.atMs - at / TICKS_PER_MS);
  return { samples, startMs: Math.min(...starts) };
}

/**
 * When the last beep in these packets was over; `undefined` before. A server that stands still makes a pause in it.
 * @param by the packets that say when it was played: all of them, or, after a server has stood still, its own.
 */
export function endOfBeepMs(
  packets: readonly HeardPacket[],
  by: 'all' | 'beep' = 'all',
): number | undefined {
  const { samples } = soundOf(packets);
  const search = { frequencyHz: BEEP_HZ, threshold: BEEP_AMPLITUDE / 2, bridgeMs: 300 };
  const beep = findTone(samples, RATE_HZ, search).at(-1);
  // It rises and fades for 10 ms each, and has half its loudness in the middle of them.
  if (beep === undefined || beep.endMs - beep.startMs < BEEP_MS - 15) return undefined;
  const isTimed = (_: HeardPacket, fromMs: number): boolean =>
    by === 'all' || (fromMs >= beep.startMs && fromMs < beep.endMs);
  return soundOf(packets, isTimed).startMs + beep.endMs + 5;
}

/** Packets of speech, and how many samples lie before each. */
function placedOf(
  packets: readonly HeardPacket[],
): readonly { readonly packet: HeardPacket; readonly at: number }[] {
  const speech = packets.filter(({ payloadType }) => payloadType === PCMU);
  const first = speech[0]?.timestamp ?? 0;
  return speech.map((packet) => ({ packet, at: (packet.timestamp - first) | 0 }));
}
