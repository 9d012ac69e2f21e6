import type { SrtpSuite } from '../../core/media-format.ts';
import { PacketBuffer } from '../rtp/packet-buffer.ts';
import { createPacketCipher, MAX_SRTP_BYTES } from './create-cipher.ts';
import { readWord, RTCP_HEADER_BYTES, type PacketCipher } from './packet-cipher.ts';
import { ReplayWindow } from './replay-window.ts';
import { clearHeaderBytes } from './srtp-headers.ts';

/** More than any suite adds: tag and index. */
const MOST_ADDED_BYTES = 32;
const INDEX_BITS = 0x7fff_ffff;

/**
 * Protects what we send under one master key (RFC 3711), on one SSRC. Its results are valid until the next
 * one. Never throws but when it is made: `RangeError` for a key of the wrong length.
 */
export class SrtpSender {
  readonly #rtp: PacketCipher;
  readonly #rtcp: PacketCipher;
  readonly #buffer = new PacketBuffer(MAX_SRTP_BYTES + MOST_ADDED_BYTES);
  readonly #sent = new ReplayWindow();
  #ssrc: number | undefined;
  #rtcpIndex = 0;

  constructor(suite: SrtpSuite, masterKeySalt: Uint8Array) {
    this.#rtp = createPacketCipher(suite, masterKeySalt, 'rtp');
    this.#rtcp = createPacketCipher(suite, masterKeySalt, 'rtcp');
  }

  /**
   * `undefined` for what is no RTP packet of our SSRC, for one that is too long, and for a number that was
   * sent already: two packets under one number would betray each other (§9.1).
   */
  protectRtp(packet: Uint8Array): Uint8Array | undefined {
    const { length } = packet;
    const headerBytes = clearHeaderBytes(packet, length);
    if (headerBytes < 0 || length > MAX_SRTP_BYTES) return undefined;
    const ssrc = readWord(packet, 8);
    this.#ssrc ??= ssrc;
    const sequenceNumber = ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
    const rollover = this.#sent.rolloverOf(sequenceNumber);
    if (rollover < 0 || ssrc !== this.#ssrc) return undefined;
    if (!this.#sent.isNew(rollover, sequenceNumber)) return undefined;
    this.#sent.take(rollover, sequenceNumber);
    const { bytes } = this.#buffer;
    const sealed = this.#rtp.sealRtp(packet, headerBytes, ssrc, rollover, sequenceNumber, bytes);
    return this.#buffer.view(sealed);
  }

  /** `undefined` for what is no RTCP packet, or too long. */
  protectRtcp(packet: Uint8Array): Uint8Array | undefined {
    if (packet.length < RTCP_HEADER_BYTES || packet.length > MAX_SRTP_BYTES) return undefined;
    const index = this.#rtcpIndex;
    this.#rtcpIndex = (index + 1) & INDEX_BITS;
    const { bytes } = this.#buffer;
    return this.#buffer.view(this.#rtcp.sealRtcp(packet, readWord(packet, 4), index, bytes));
  }
}
