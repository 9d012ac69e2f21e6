/** Bytes of the fixed part: everything up to and including the SSRC. */
export const RTP_FIXED_HEADER_BYTES = 12;
export const RTP_VERSION = 2;

/**
 * Reads RTP headers (RFC 3550 §5.1) one after the other into itself, so that a busy socket makes
 * no object per packet. The fields belong to the last packet for which `read` returned true.
 *
 *     0                   1                   2                   3
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                     CSRCs (CC), extension (X)                 |
 */
export class RtpHeaderReader {
  marker = false;
  /** 0 to 127. */
  payloadType = 0;
  /** 16 bits; wraps to 0 after 65535. */
  sequenceNumber = 0;
  /** 32 bits, in ticks of the payload type's clock. */
  timestamp = 0;
  ssrc = 0;
  /** Where the payload begins in the datagram. */
  payloadOffset = 0;
  /** Bytes of payload, padding taken off; may be 0. */
  payloadBytes = 0;

  /** False for anything that is not a whole RTP packet. Accepts any bytes; never throws. */
  read(datagram: Uint8Array): boolean {
    const length = datagram.length;
    if (length < RTP_FIXED_HEADER_BYTES) return false;
    const first = byteAt(datagram, 0);
    if (first >> 6 !== RTP_VERSION) return false;
    let offset = RTP_FIXED_HEADER_BYTES + (first & 0x0f) * 4;
    if ((first & 0x10) !== 0) {
      // §5.3.1: 16 bits of profile, then the extension's length in 32-bit words.
      if (offset + 4 > length) return false;
      offset += 4 + uint16At(datagram, offset + 2) * 4;
    }
    if (offset > length) return false;
    let padding = 0;
    if ((first & 0x20) !== 0) {
      padding = byteAt(datagram, length - 1);
      if (padding === 0 || offset + padding > length) return false;
    }
    const second = byteAt(datagram, 1);
    this.marker = second >= 0x80;
    this.payloadType = second & 0x7f;
    this.sequenceNumber = uint16At(datagram, 2);
    this.timestamp = uint32At(datagram, 4);
    this.ssrc = uint32At(datagram, 8);
    this.payloadOffset = offset;
    this.payloadBytes = length - offset - padding;
    return true;
  }
}

/** Overwrites the fixed header's fields in place, marker bit kept. `datagram` must be RTP. */
export function rewriteRtpHeader(
  datagram: Uint8Array,
  payloadType: number,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): void {
  datagram[1] = (byteAt(datagram, 1) & 0x80) | (payloadType & 0x7f);
  datagram[2] = sequenceNumber >>> 8;
  datagram[3] = sequenceNumber;
  writeUint32(datagram, 4, timestamp);
  writeUint32(datagram, 8, ssrc);
}

/** Writes a fixed header without extension, padding or contributors; the caller adds the payload. */
export function writeRtpHeader(
  into: Uint8Array,
  marker: boolean,
  payloadType: number,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): void {
  into[0] = RTP_VERSION << 6;
  into[1] = marker ? 0x80 : 0;
  rewriteRtpHeader(into, payloadType, sequenceNumber, timestamp, ssrc);
}

// Bounds are checked by the callers; the fallback only satisfies the compiler and is never taken.
function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function uint16At(bytes: Uint8Array, offset: number): number {
  return (byteAt(bytes, offset) << 8) | byteAt(bytes, offset + 1);
}

function uint32At(bytes: Uint8Array, offset: number): number {
  return ((uint16At(bytes, offset) << 16) | uint16At(bytes, offset + 2)) >>> 0;
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
