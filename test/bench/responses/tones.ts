import { encodeG711 } from '../../../src/media/g711/g711.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { PACKET_SAMPLES, TONE_PEAK, tonesOf } from '../../support/load/payloads.ts';

const RATE_HZ = 8_000;
/** Of 20 ms: they are packet after packet the same. */
const packets = new Map<number, Uint8Array>();

/** 20 ms of what a caller says: two tones at once, which no other of 961 callers has. */
export function voiceOf(caller: number): Uint8Array {
  const { callerHz, calleeHz } = tonesOf(caller);
  const key = callerHz * RATE_HZ + calleeHz;
  const known = packets.get(key);
  if (known !== undefined) return known;
  const [low, high] = [callerHz, calleeHz].map((frequencyHz) =>
    sine({ frequencyHz, amplitude: TONE_PEAK * 32_768 }, RATE_HZ, PACKET_SAMPLES),
  );
  const samples = Int16Array.from(low ?? [], (sample, at) => sample + (high?.[at] ?? 0));
  const packet = new Uint8Array(PACKET_SAMPLES);
  encodeG711('PCMU', samples, packet);
  packets.set(key, packet);
  return packet;
}
