import { encodeG711 } from '../../../src/media/g711/g711.ts';
import { loadClips } from '../../../src/sim/clips.ts';
import { sine } from '../../../src/media/tone/sine.ts';

export const PACKET_MS = 20;
export const PACKET_SAMPLES = 160;
const RATE_HZ = 8_000;
/** Multiples of 50 Hz have whole periods in a packet: every packet of such a tone is the same. */
const GRID_HZ = 50;
const LOW_FROM_HZ = 300;
const HIGH_FROM_HZ = 1_900;
const STEPS = 31;
/** Of each of the two tones, so that their sum does not clip. */
export const TONE_PEAK = 0.35;

export type CallTones = { readonly callerHz: number; readonly calleeHz: number };

/** Two tones for each call, no pair twice below 961 calls, the two of a call far apart. */
export function tonesOf(call: number): CallTones {
  return {
    callerHz: LOW_FROM_HZ + (call % STEPS) * GRID_HZ,
    calleeHz: HIGH_FROM_HZ + (Math.floor(call / STEPS) % STEPS) * GRID_HZ,
  };
}

/** Of callers; there are no others. */
export function callerFrequenciesHz(): readonly number[] {
  return Array.from({ length: STEPS }, (_, call) => tonesOf(call).callerHz);
}

/** 20 ms of PCMU. */
export function tonePacket(frequencyHz: number): Uint8Array {
  const samples = sine({ frequencyHz, amplitude: TONE_PEAK * 32_768 }, RATE_HZ, PACKET_SAMPLES);
  return pcmu(samples);
}

/** How long a side of the kind `voices` speaks before its tone. */
export const SPEECH_MS = 2_000;

/** The first packets of PCMU of what the simulated phones say: alice calls, bob is called. */
export async function speechPackets(side: 'caller' | 'callee'): Promise<readonly Uint8Array[]> {
  const file = side === 'caller' ? 'clip:alice' : 'clip:bob';
  const clips = await loadClips([{ steps: [{ do: 'speak', file }] }], '.');
  const clip = clips.get(file) ?? new Int16Array();
  return Array.from({ length: SPEECH_MS / PACKET_MS }, (_, packet) => {
    const from = packet * PACKET_SAMPLES;
    return pcmu(clip.subarray(from, from + PACKET_SAMPLES));
  });
}

/** Bits of a packet's number in its audio; each takes ten samples. */
const NUMBER_BITS = 16;
const SAMPLES_PER_BIT = PACKET_SAMPLES / NUMBER_BITS;
const BIT_LEVEL = 8_000;

/** 20 ms of PCMU that say their number, 1 to 65535: positive half waves are ones. */
export function numberedPacket(number: number): Uint8Array {
  const samples = new Int16Array(PACKET_SAMPLES);
  for (let at = 0; at < PACKET_SAMPLES; at += 1) {
    const bit = (number >> Math.floor(at / SAMPLES_PER_BIT)) & 1;
    samples[at] = bit === 1 ? BIT_LEVEL : -BIT_LEVEL;
  }
  return pcmu(samples);
}

/**
 * Reads the number of the packet that begins at `from` in 16 kHz audio, or `undefined` where there
 * is silence or a bit cannot be told.
 */
export function readNumber(samples: Int16Array, from: number): number | undefined {
  const perBit = SAMPLES_PER_BIT * 2;
  let number = 0;
  for (let bit = 0; bit < NUMBER_BITS; bit += 1) {
    // The middle of the bit: the edges ring in the resampler's filter.
    let sum = 0;
    const middle = from + bit * perBit + perBit / 2;
    for (let at = middle - 3; at < middle + 3; at += 1) sum += samples[at] ?? 0;
    const mean = sum / 6;
    if (Math.abs(mean) < BIT_LEVEL / 2) return undefined;
    if (mean > 0) number |= 1 << bit;
  }
  return number;
}

export function silencePacket(): Uint8Array {
  return pcmu(new Int16Array(PACKET_SAMPLES));
}

function pcmu(samples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, bytes);
  return bytes;
}
