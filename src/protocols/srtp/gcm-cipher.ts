import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { SessionKeys } from './key-derivation.ts';
import {
  RTCP_ENCRYPTED,
  RTCP_HEADER_BYTES,
  RTCP_WORD_BYTES,
  writeWord,
  type PacketCipher,
} from './packet-cipher.ts';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** AES in Galois/counter mode (RFC 7714). */
export class GcmCipher implements PacketCipher {
  readonly #algorithm: 'aes-128-gcm' | 'aes-256-gcm';
  /** The system's form of the key: made of bytes anew for each packet it would cost three times as much. */
  readonly #key: KeyObject;
  readonly #salt: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  /** Of RTCP: header and word. */
  readonly #associated = new Uint8Array(RTCP_HEADER_BYTES + RTCP_WORD_BYTES);

  constructor(keys: SessionKeys) {
    this.#algorithm = keys.key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
    this.#key = createSecretKey(keys.key);
    this.#salt = keys.salt;
  }

  sealRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number {
    const header = packet.subarray(0, headerBytes);
    this.#setRtpNonce(ssrc, rollover, sequenceNumber);
    return this.#seal(header, packet.subarray(headerBytes), header, into);
  }

  openRtp(
    packet: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
    into: Uint8Array,
  ): number {
    const tagAt = packet.length - TAG_BYTES;
    const header = packet.subarray(0, headerBytes);
    this.#setRtpNonce(ssrc, rollover, sequenceNumber);
    const coded = packet.subarray(headerBytes, tagAt);
    return this.#open(header, coded, packet.subarray(tagAt), header, into);
  }

  sealRtcp(packet: Uint8Array, ssrc: number, index: number, into: Uint8Array): number {
    const header = packet.subarray(0, RTCP_HEADER_BYTES);
    const word = (RTCP_ENCRYPTED | index) >>> 0;
    this.#setRtcpNonce(ssrc, index);
    const associated = this.#associate(header, word);
    const length = this.#seal(associated, packet.subarray(RTCP_HEADER_BYTES), header, into);
    writeWord(into, length, word);
    return length + RTCP_WORD_BYTES;
  }

  openRtcp(packet: Uint8Array, ssrc: number, word: number, into: Uint8Array): number {
    const tagAt = packet.length - RTCP_WORD_BYTES - TAG_BYTES;
    const tag = packet.subarray(tagAt, tagAt + TAG_BYTES);
    this.#setRtcpNonce(ssrc, (word & ~RTCP_ENCRYPTED) >>> 0);
    if (word >= RTCP_ENCRYPTED) {
      const header = packet.subarray(0, RTCP_HEADER_BYTES);
      const coded = packet.subarray(RTCP_HEADER_BYTES, tagAt);
      return this.#open(this.#associate(header, word), coded, tag, header, into);
    }
    // Not encrypted: all of it is authenticated only (§9.3), and the word behind it.
    const whole = packet.subarray(0, tagAt);
    const associated = new Uint8Array(tagAt + RTCP_WORD_BYTES);
    associated.set(whole);
    writeWord(associated, tagAt, word);
    return this.#open(associated, packet.subarray(0, 0), tag, whole, into);
  }

  rtcpWordAt(packetBytes: number): number {
    return packetBytes - RTCP_WORD_BYTES;
  }

  #seal(associated: Uint8Array, plain: Uint8Array, header: Uint8Array, into: Uint8Array): number {
    const options = { authTagLength: TAG_BYTES };
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#nonce, options);
    cipher.setAAD(associated);
    into.set(header);
    into.set(cipher.update(plain), header.length);
    cipher.final();
    const tagAt = header.length + plain.length;
    into.set(cipher.getAuthTag(), tagAt);
    return tagAt + TAG_BYTES;
  }

  #open(
    associated: Uint8Array,
    coded: Uint8Array,
    tag: Uint8Array,
    header: Uint8Array,
    into: Uint8Array,
  ): number {
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#nonce, options);
    decipher.setAAD(associated);
    const plain = decipher.update(coded);
    decipher.setAuthTag(tag);
    try {
      decipher.final();
    } catch {
      return -1;
    }
    into.set(header);
    into.set(plain, header.length);
    return header.length + plain.length;
  }

  #associate(header: Uint8Array, word: number): Uint8Array {
    this.#associated.set(header);
    writeWord(this.#associated, RTCP_HEADER_BYTES, word);
    return this.#associated;
  }

  /** §8.1: two zero bytes, SSRC, rollover counter, sequence number; the salt is added. */
  #setRtpNonce(ssrc: number, rollover: number, sequenceNumber: number): void {
    const nonce = this.#nonce;
    writeWord(nonce, 2, ssrc);
    writeWord(nonce, 6, rollover);
    nonce[10] = sequenceNumber >>> 8;
    nonce[11] = sequenceNumber;
    this.#addSalt();
  }

  /** §9.1: two zero bytes, SSRC, two zero bytes, index; the salt is added. */
  #setRtcpNonce(ssrc: number, index: number): void {
    writeWord(this.#nonce, 2, ssrc);
    writeWord(this.#nonce, 6, 0);
    writeWord(this.#nonce, 8, index);
    this.#addSalt();
  }

  #addSalt(): void {
    const nonce = this.#nonce;
    nonce[0] = 0;
    nonce[1] = 0;
    for (let at = 0; at < NONCE_BYTES; at += 1) {
      nonce[at] = (nonce[at] ?? 0) ^ (this.#salt[at] ?? 0);
    }
  }
}
