/**
 * Encrypts and authenticates packets of RTP or RTCP under the session keys of one direction. Which packets
 * may be taken (replays, index) is for others to decide.
 *
 * Results are written to the start of `into`, which is other memory than `packet` and has room for it.
 */
export interface PacketCipher {
  /**
   * Gives the length of the result.
   * @param headerBytes up to there the packet stays readable.
   */
  sealRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number;
  /** Gives the length of the plain packet, or −1 if it is not authentic. Never throws. */
  openRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number;
  sealRtcp(packet: Uint8Array, ssrc: number, index: number, into: Uint8Array): number;
  /**
   * As `openRtp`, of a packet of `RTCP_HEADER_BYTES` and what the suite adds at least.
   * @param word the last 31 bits are the index; the first says whether the packet is encrypted.
   */
  openRtcp(packet: Uint8Array, ssrc: number, word: number, into: Uint8Array): number;
  /** Where the word with the index stands in a packet of RTCP. */
  rtcpWordAt(packetBytes: number): number;
}

/** Up to there a packet of RTCP stays readable. */
export const RTCP_HEADER_BYTES = 8;
export const RTCP_WORD_BYTES = 4;
/** In the word with the index: the packet is encrypted. */
export const RTCP_ENCRYPTED = 0x8000_0000;

/** True if `length` bytes are the same; takes as long for any that are not. */
export function isSameTag(
  a: Uint8Array,
  aAt: number,
  b: Uint8Array,
  bAt: number,
  length: number,
): boolean {
  let difference = 0;
  for (let at = 0; at < length; at += 1) difference |= (a[aAt + at] ?? 0) ^ (b[bAt + at] ?? 0);
  return difference === 0;
}

export function writeWord(into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 24;
  into[at + 1] = word >>> 16;
  into[at + 2] = word >>> 8;
  into[at + 3] = word;
}

/** 32 bits without a sign; `at` is within bounds. */
export function readWord(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}
