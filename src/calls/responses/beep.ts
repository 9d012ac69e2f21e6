import { PLAYED_RATE_HZ, type PlayedClip } from '../../core/ports/call-media.ts';

/** The tone that has always told people on a telephone that they are recorded. */
const BEEP_HZ = 1_400;
/** Whole frames of 20 ms: what follows begins where it ends. */
const BEEP_MS = 240;
/** Rise and fall, so that it does not click. */
const EDGE_MS = 10;
/** Peak of a 16-bit sample: about the loudness of speech. */
const AMPLITUDE = 6_000;

/** What is played before a recording begins. */
export const BEEP: PlayedClip = makeBeep();

function makeBeep(): PlayedClip {
  const count = (BEEP_MS * PLAYED_RATE_HZ) / 1000;
  const edge = (EDGE_MS * PLAYED_RATE_HZ) / 1000;
  const clip = new Int16Array(new SharedArrayBuffer(count * Int16Array.BYTES_PER_ELEMENT));
  for (let at = 0; at < count; at += 1) {
    const toEdge = Math.min(1, (Math.min(at, count - 1 - at) + 0.5) / edge);
    const gain = (1 - Math.cos(Math.PI * toEdge)) / 2;
    clip[at] = Math.round(
      gain * AMPLITUDE * Math.sin((2 * Math.PI * BEEP_HZ * at) / PLAYED_RATE_HZ),
    );
  }
  return clip;
}
