import { RTP_FIXED_HEADER_BYTES, RTP_VERSION } from '../rtp/header.ts';

/**
 * Bytes of an RTP packet that SRTP leaves readable: fixed header, contributors, extension. −1 for what is no
 * RTP packet. Padding is within what is encrypted.
 * @param length up to there the packet reaches, without what SRTP adds.
 */
export function clearHeaderBytes(packet: Uint8Array, length: number): number {
  const first = packet[0] ?? 0;
  if (length < RTP_FIXED_HEADER_BYTES || first >> 6 !== RTP_VERSION) return -1;
  let bytes = RTP_FIXED_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (bytes + 4 > length) return -1;
    bytes += 4 + (((packet[bytes + 2] ?? 0) << 8) | (packet[bytes + 3] ?? 0)) * 4;
  }
  return bytes > length ? -1 : bytes;
}
