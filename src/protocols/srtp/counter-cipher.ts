import { CounterKeystream } from './counter-keystream.ts';
import { HmacSha1 } from './hmac-sha1.ts';
import type { SessionKeys } from './key-derivation.ts';
import {
  isSameTag,
  RTCP_ENCRYPTED,
  RTCP_HEADER_BYTES,
  RTCP_WORD_BYTES,
  writeWord,
  type PacketCipher,
} from './packet-cipher.ts';

const SHA1_BYTES = 20;

/** AES in counter mode with HMAC-SHA1 (RFC 3711 §4). */
export class CounterCipher implements PacketCipher {
  readonly #keystream: CounterKeystream;
  readonly #hmac: HmacSha1;
  readonly #tagBytes: number;
  readonly #tag = new Uint8Array(SHA1_BYTES);

  constructor(keys: SessionKeys, tagBytes: number, mostBytes: number) {
    this.#keystream = new CounterKeystream(keys.key, keys.salt, mostBytes);
    this.#hmac = new HmacSha1(keys.authenticationKey);
    this.#tagBytes = tagBytes;
  }

  sealRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number {
    const { length } = packet;
    this.#cipher(packet, headerBytes, length, ssrc, rollover, sequenceNumber, into);
    this.#hmac.tag(into, length, rollover, this.#tagBytes, into, length);
    return length + this.#tagBytes;
  }

  openRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number {
    const tagBytes = this.#tagBytes;
    const length = packet.length - tagBytes;
    this.#hmac.tag(packet, length, rollover, tagBytes, this.#tag, 0);
    if (!isSameTag(this.#tag, 0, packet, length, tagBytes)) return -1;
    this.#cipher(packet, headerBytes, length, ssrc, rollover, sequenceNumber, into);
    return length;
  }

  sealRtcp(packet: Uint8Array, ssrc: number, index: number, into: Uint8Array): number {
    const { length } = packet;
    this.#cipher(packet, RTCP_HEADER_BYTES, length, ssrc, index >>> 16, index & 0xffff, into);
    writeWord(into, length, RTCP_ENCRYPTED | index);
    const authenticated = length + RTCP_WORD_BYTES;
    this.#hmac.tag(into, authenticated, undefined, this.#tagBytes, into, authenticated);
    return authenticated + this.#tagBytes;
  }

  openRtcp(packet: Uint8Array, ssrc: number, word: number, into: Uint8Array): number {
    const tagBytes = this.#tagBytes;
    const authenticated = packet.length - tagBytes;
    this.#hmac.tag(packet, authenticated, undefined, tagBytes, this.#tag, 0);
    if (!isSameTag(this.#tag, 0, packet, authenticated, tagBytes)) return -1;
    const length = authenticated - RTCP_WORD_BYTES;
    const index = word & ~RTCP_ENCRYPTED;
    const clearBytes = word >= RTCP_ENCRYPTED ? RTCP_HEADER_BYTES : length;
    this.#cipher(packet, clearBytes, length, ssrc, index >>> 16, index & 0xffff, into);
    return length;
  }

  rtcpWordAt(packetBytes: number): number {
    return packetBytes - this.#tagBytes - RTCP_WORD_BYTES;
  }

  /** Copies the header, and adds the keystream to what follows: both ways the same. */
  #cipher(
    packet: Uint8Array,
    headerBytes: number,
    length: number,
    ssrc: number,
    indexHigh: number,
    indexLow: number,
    into: Uint8Array,
  ): void {
    for (let at = 0; at < headerBytes; at += 1) into[at] = packet[at] ?? 0;
    if (length === headerBytes) return;
    const stream = this.#keystream.take(ssrc, indexHigh, indexLow, length - headerBytes);
    for (let at = headerBytes; at < length; at += 1) {
      into[at] = (packet[at] ?? 0) ^ (stream[at - headerBytes] ?? 0);
    }
  }
}
