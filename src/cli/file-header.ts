/** More than any header that the server writes. */
export const MAX_HEADER_BYTES = 4_096;

const RIFF_CHUNKS_AT = 12;
/** 48 kbit/s at 16 kHz: the frame that tells players of the encoder's delay is like all others. */
const MP3_FRAME_BYTES = 216;

/**
 * Where the media begins behind the header, which the server writes last and does not hash.
 * @param head at least the first `MAX_HEADER_BYTES` of the file, or all of a shorter one.
 */
export function headerBytes(head: Uint8Array): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length >= 2 && view.getUint16(0) >> 5 === 0x7ff) return MP3_FRAME_BYTES;
  let at = RIFF_CHUNKS_AT;
  while (at + 8 <= head.length) {
    const name = String.fromCharCode(...head.subarray(at, at + 4));
    if (name === 'data') return at + 8;
    at += 8 + view.getUint32(at + 4, true);
  }
  return 0;
}
