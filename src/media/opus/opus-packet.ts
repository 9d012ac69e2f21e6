import { OPUS_RATE_HZ } from './libopus.ts';

/**
 * What a packet of Opus says of itself, without being decoded: RFC 6716 §3. Any bytes are accepted, all
 * counts are samples at `OPUS_RATE_HZ`.
 */

const MS_SAMPLES = OPUS_RATE_HZ / 1000;
/** By the two lower bits of the configuration number (§3.1, table 2). */
const SILK_FRAME_SAMPLES = [10, 20, 40, 60].map((ms) => ms * MS_SAMPLES);
const HYBRID_FRAME_SAMPLES = [10, 20, 10, 20].map((ms) => ms * MS_SAMPLES);
const CELT_FRAME_SAMPLES = [2.5, 5, 10, 20].map((ms) => ms * MS_SAMPLES);
const FIRST_HYBRID = 12;
const FIRST_CELT = 16;
/** No packet is longer: 120 ms (§3.2.5). */
const MOST_SAMPLES = 120 * MS_SAMPLES;
/** A SILK frame of 40 or 60 ms is coded as so many of 20 ms (§4.2.2). */
const SILK_PART_SAMPLES = 20 * MS_SAMPLES;
/** Encoders that find nothing to say send no more than this, or nothing at all. */
const MOST_SILENT_BYTES = 2;

/** Samples of the packet `bytes[from…from+count)`; 0 for what is none. */
export function opusPacketSamples(bytes: Uint8Array, from: number, count: number): number {
  const frames = framesOf(bytes, from, count);
  const samples = count === 0 ? 0 : frames * frameSamples(byteAt(bytes, from));
  return samples > MOST_SAMPLES ? 0 : samples;
}

/** Whether it says no more than that there is nothing to be heard (DTX). */
export function isSilentOpus(payload: Uint8Array): boolean {
  return payload.length <= MOST_SILENT_BYTES;
}

/**
 * Samples before the packet of which it tells as well, for the case that the one before is lost (in-band
 * forward error correction, §4.2.5); 0 if it does not.
 */
export function opusEarlierSamples(payload: Uint8Array): number {
  const toc = byteAt(payload, 0);
  const frameAt = firstFrameAt(payload);
  if (toc >> 3 >= FIRST_CELT || frameAt === undefined || frameAt >= payload.length) return 0;
  const samples = frameSamples(toc);
  const parts = Math.max(1, samples / SILK_PART_SAMPLES);
  // The frame begins with a bit for the activity of each part, and one for this, of each channel (§4.2.3).
  const first = byteAt(payload, frameAt);
  const isTold = ((first >> (7 - parts)) & 1) === 1;
  const isStereo = (toc & 4) !== 0;
  const isSideTold = isStereo && ((first >> (6 - 2 * parts)) & 1) === 1;
  return isTold || isSideTold ? samples : 0;
}

function frameSamples(toc: number): number {
  const configuration = toc >> 3;
  const lengths =
    configuration < FIRST_HYBRID
      ? SILK_FRAME_SAMPLES
      : configuration < FIRST_CELT
        ? HYBRID_FRAME_SAMPLES
        : CELT_FRAME_SAMPLES;
  return lengths[configuration & 3] ?? 0;
}

/** By the code number, the two lowest bits of the first byte (§3.2). */
function framesOf(bytes: Uint8Array, from: number, count: number): number {
  const code = byteAt(bytes, from) & 3;
  if (code < 3) return code === 0 ? 1 : 2;
  return count < 2 ? 0 : byteAt(bytes, from + 1) & 0x3f;
}

/** Where its first frame begins (§3.2.2 to §3.2.5); `undefined` if that frame is empty or not there. */
function firstFrameAt(payload: Uint8Array): number | undefined {
  const code = byteAt(payload, 0) & 3;
  if (code < 2) return 1;
  if (code === 2) return behindLength(payload, 1);
  const counts = byteAt(payload, 1);
  let at = 2;
  if ((counts & 0x40) !== 0) {
    while (byteAt(payload, at) === 255) at += 1;
    at += 1;
  }
  if ((counts & 0x80) === 0) return at;
  // All but the last frame have a length of one or two bytes.
  const first = byteAt(payload, at);
  for (let frame = 1; frame < (counts & 0x3f); frame += 1) at += byteAt(payload, at) < 252 ? 1 : 2;
  return first === 0 ? undefined : at;
}

function behindLength(payload: Uint8Array, at: number): number | undefined {
  const first = byteAt(payload, at);
  if (first === 0) return undefined;
  return first < 252 ? at + 1 : at + 2;
}

/** 0 behind the end. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
