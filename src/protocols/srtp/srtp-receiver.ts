import type { SrtpSuite } from '../../core/media-format.ts';
import { PacketBuffer } from '../rtp/packet-buffer.ts';
import { createPacketCipher, MAX_SRTP_BYTES } from './create-cipher.ts';
import { readWord, RTCP_ENCRYPTED, RTCP_HEADER_BYTES, type PacketCipher } from './packet-cipher.ts';
import { ReplayWindow } from './replay-window.ts';
import { clearHeaderBytes } from './srtp-headers.ts';
import { SUITES } from './suites.ts';

/** Sources that are followed at a time; the one that was heard of first makes room. */
const MAX_SOURCES = 16;
const HALF = 0x8000;

type Source = { readonly ssrc: number; readonly window: ReplayWindow };

/**
 * Takes off the protection of what the far side sends under one master key (RFC 3711). Its results are
 * valid until the next one. Takes any bytes; never throws but when it is made: `RangeError` for a key of
 * the wrong length.
 */
export class SrtpReceiver {
  readonly #rtp: PacketCipher;
  readonly #rtcp: PacketCipher;
  readonly #rtpTagBytes: number;
  readonly #rtcpBytes: number;
  readonly #buffer = new PacketBuffer(MAX_SRTP_BYTES);
  readonly #rtpSources: Source[] = [];
  readonly #rtcpSources: Source[] = [];
  /** Of the keys before. */
  readonly #sourcesBefore: readonly Source[];

  /** @param before that of the keys before, if they were replaced in mid-call. */
  constructor(suite: SrtpSuite, masterKeySalt: Uint8Array, before?: SrtpReceiver) {
    this.#rtp = createPacketCipher(suite, masterKeySalt, 'rtp');
    this.#rtcp = createPacketCipher(suite, masterKeySalt, 'rtcp');
    const { rtpTagBytes, rtcpTagBytes } = SUITES[suite];
    this.#rtpTagBytes = rtpTagBytes;
    this.#rtcpBytes = RTCP_HEADER_BYTES + 4 + rtcpTagBytes;
    this.#sourcesBefore = before === undefined ? [] : before.#rtpSources;
  }

  /** The plain packet. `undefined` if it is not authentic, or was had already. */
  unprotectRtp(datagram: Uint8Array): Uint8Array | undefined {
    const headerBytes = clearHeaderBytes(datagram, datagram.length - this.#rtpTagBytes);
    if (headerBytes < 0 || datagram.length > MAX_SRTP_BYTES) return undefined;
    const ssrc = readWord(datagram, 8);
    const sequenceNumber = ((datagram[2] ?? 0) << 8) | (datagram[3] ?? 0);
    const source = sourceOf(this.#rtpSources, ssrc);
    if (source === undefined) {
      return this.#openFirst(datagram, headerBytes, ssrc, sequenceNumber);
    }
    const { window } = source;
    const rollover = window.rolloverOf(sequenceNumber);
    if (rollover < 0 || !window.isNew(rollover, sequenceNumber)) return undefined;
    const plain = this.#openRtp(datagram, headerBytes, ssrc, rollover, sequenceNumber);
    if (plain !== undefined) window.take(rollover, sequenceNumber);
    return plain;
  }

  /** As `unprotectRtp`. */
  unprotectRtcp(datagram: Uint8Array): Uint8Array | undefined {
    const { length } = datagram;
    if (length < this.#rtcpBytes || length > MAX_SRTP_BYTES) return undefined;
    const ssrc = readWord(datagram, 4);
    const word = readWord(datagram, this.#rtcp.rtcpWordAt(length));
    const index = (word & ~RTCP_ENCRYPTED) >>> 0;
    const known = sourceOf(this.#rtcpSources, ssrc);
    if (known?.window.isNew(index >>> 16, index & 0xffff) === false) return undefined;
    const plainBytes = this.#rtcp.openRtcp(datagram, ssrc, word, this.#buffer.bytes);
    if (plainBytes < 0) return undefined;
    const { window } = known ?? addSource(this.#rtcpSources, ssrc);
    window.take(index >>> 16, index & 0xffff);
    return this.#buffer.view(plainBytes);
  }

  /**
   * Of a source that was not heard of: its rollover counter begins with 0, unless its number began just
   * below the end and the packets before it were lost. With new keys it ought to go on (§8.1), but most
   * phones begin anew.
   */
  #openFirst(
    datagram: Uint8Array,
    headerBytes: number,
    ssrc: number,
    sequenceNumber: number,
  ): Uint8Array | undefined {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const rollover = this.#firstRollover(attempt, ssrc, sequenceNumber);
      if (rollover < 0) continue;
      const plain = this.#openRtp(datagram, headerBytes, ssrc, rollover, sequenceNumber);
      if (plain === undefined) continue;
      addSource(this.#rtpSources, ssrc).window.take(rollover, sequenceNumber);
      return plain;
    }
    return undefined;
  }

  /** −1: nothing to be tried. */
  #firstRollover(attempt: number, ssrc: number, sequenceNumber: number): number {
    if (attempt === 0) return 0;
    if (attempt === 1) return sequenceNumber < HALF ? 1 : -1;
    const rollover = sourceOf(this.#sourcesBefore, ssrc)?.window.rolloverOf(sequenceNumber) ?? 0;
    return rollover === 0 ? -1 : rollover;
  }

  #openRtp(
    datagram: Uint8Array,
    headerBytes: number,
    ssrc: number,
    rollover: number,
    sequenceNumber: number,
  ): Uint8Array | undefined {
    const { bytes } = this.#buffer;
    const plainBytes = this.#rtp.openRtp(
      datagram,
      headerBytes,
      ssrc,
      rollover,
      sequenceNumber,
      bytes,
    );
    return plainBytes < 0 ? undefined : this.#buffer.view(plainBytes);
  }
}

function sourceOf(sources: readonly Source[], ssrc: number): Source | undefined {
  for (const source of sources) if (source.ssrc === ssrc) return source;
  return undefined;
}

function addSource(sources: Source[], ssrc: number): Source {
  if (sources.length === MAX_SOURCES) sources.shift();
  const source = { ssrc, window: new ReplayWindow() };
  sources.push(source);
  return source;
}
