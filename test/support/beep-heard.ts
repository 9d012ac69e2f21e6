import { decodeG711 } from '../../src/media/g711/g711.ts';
import { findTone } from '../../src/media/tone/tone-meter.ts';
import type { HeardPacket } from './peers/media-line.ts';

/** The server's own. */
export const BEEP_HZ = 1_400;
export const BEEP_AMPLITUDE = 6_000;
const BEEP_MS = 240;
const PCMU = 0;
const RATE_HZ = 8_000;

/** PCMU of 8,000 samples a second, and when the first of them was played, on `performance.now()`. */
export type Sound = { readonly samples: Int16Array; readonly startMs: number };

/**
 * What came in these packets, played by the earliest of them, as a jitter buffer does.
 * @param timed the packets that say when it was played. Default all.
 */
export function soundOf(
  packets: readonly HeardPacket[],
  timed: (packet: HeardPacket) => boolean = () => true,
): Sound {
  const speech = packets.filter(({ payloadType }) => payloadType === PCMU);
  const first = speech[0]?.timestamp ?? 0;
  const placed = speech.map((packet) => ({ ...packet, at: (packet.timestamp - first) | 0 }));
  const samples = new Int16Array(
    Math.max(0, ...placed.map(({ at, payload }) => at + payload.length)),
  );
  for (const { at, payload } of placed) {
    decodeG711('PCMU', payload, samples.subarray(at, at + payload.length));
  }
  const startMs = Math.min(...placed.filter(timed).map(({ atMs, at }) => atMs - at / 8));
  return { samples, startMs };
}

/** When the last beep in these packets was over; `undefined` before. A server that stands still makes a pause in it. */
export function endOfBeepMs(packets: readonly HeardPacket[]): number | undefined {
  const { samples, startMs } = soundOf(packets);
  const search = { frequencyHz: BEEP_HZ, threshold: BEEP_AMPLITUDE / 2, bridgeMs: 300 };
  const beep = findTone(samples, RATE_HZ, search).at(-1);
  // It rises and fades for 10 ms each, and has half its loudness in the middle of them.
  if (beep === undefined || beep.endMs - beep.startMs < BEEP_MS - 15) return undefined;
  return startMs + beep.endMs + 5;
}
