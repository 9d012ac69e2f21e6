import type { FrameHeader } from './frame-header.ts';

/** What a file says of its own ends, in samples at its rate. */
export type Mp3Ends = {
  /** What the encoder put before the first sample. */
  readonly delaySamples: number;
  /** What it put behind the last one. */
  readonly paddingSamples: number;
  /** Frames with sound; `undefined`: it does not say. */
  readonly frames: number | undefined;
};

/** Bits of Xing's flags, and the bytes of what each announces, in this order. */
const XING_FIELDS = [
  [1, 4],
  [2, 4],
  [4, 100],
  [8, 4],
] as const;
/** From the name of the encoder on: its name and version, and so on up to the two delays. */
const DELAYS_AT = 21;
/** Fraunhofer's header stands at one place in all formats: behind the 32 bytes of stereo MPEG-1. */
const VBRI_AT = 36;

/**
 * Whether a file's first frame holds no sound but a header of Xing ("Xing", "Info") or Fraunhofer
 * ("VBRI"), and what it says of the file's ends: `undefined` when it does not, as only LAME's
 * extension, which libavcodec writes too, knows them.
 * @returns `undefined` for a frame with sound.
 */
export function readInfoFrame(
  frame: Uint8Array,
  header: FrameHeader,
): { readonly ends: Mp3Ends | undefined } | undefined {
  if (textAt(frame, VBRI_AT, 4) === 'VBRI') return { ends: undefined };
  const name = textAt(frame, header.dataAt, 4);
  if (name !== 'Xing' && name !== 'Info') return undefined;
  const flags = frame[header.dataAt + 7] ?? 0;
  let at = header.dataAt + 8;
  for (const [flag, bytes] of XING_FIELDS) if ((flags & flag) !== 0) at += bytes;
  const encoder = textAt(frame, at, 4);
  if (!/^(LAME|Lavf|Lavc|L3\.9)$/.test(encoder) || at + DELAYS_AT + 3 > frame.length) {
    return { ends: undefined };
  }
  // Twelve bits each.
  const high = frame[at + DELAYS_AT] ?? 0;
  const middle = frame[at + DELAYS_AT + 1] ?? 0;
  const low = frame[at + DELAYS_AT + 2] ?? 0;
  return {
    ends: {
      delaySamples: (high << 4) | (middle >> 4),
      paddingSamples: ((middle & 0xf) << 8) | low,
      frames: (flags & 1) === 0 ? undefined : uint32At(frame, header.dataAt + 8),
    },
  };
}

function uint32At(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
