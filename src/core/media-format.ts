import type { SocketAddress } from './ports/datagram.ts';

/** As SDP names them; names are compared without case. */
export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'opus' | 'L16';

/** Those that a table of 256 samples decodes. */
export type G711Codec = 'PCMU' | 'PCMA';

export function isG711(codec: CodecName): codec is G711Codec {
  return codec === 'PCMU' || codec === 'PCMA';
}

/** One negotiable audio format of a leg. */
export type AudioFormat = {
  readonly codec: CodecName;
  /** RTP payload type, 0–127, as negotiated on this leg. */
  readonly payloadType: number;
  /**
   * Of RTP timestamps. That of G.722 is 8,000 though it samples at 16,000 (RFC 3551 §4.5.2), that of Opus
   * always 48,000 (RFC 7587 §4.1).
   */
  readonly clockRateHz: number;
};

/** At which the format is decoded, in samples a second; the recorder needs no more than 16,000 of Opus. */
export function sampleRateOf(format: Pick<AudioFormat, 'codec' | 'clockRateHz'>): number {
  return format.codec === 'G722' || format.codec === 'opus' ? 16_000 : format.clockRateHz;
}

/** Names of RFC 4568 §6.2 and RFC 7714 §14.2. */
export type SrtpSuite =
  'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM';

/** SRTP keys that were exchanged in SDP (RFC 4568): master key and salt behind each other. */
export type MediaSecurity = {
  readonly suite: SrtpSuite;
  /** What we encrypt with. */
  readonly localKeySalt: Uint8Array;
  readonly remoteKeySalt: Uint8Array;
};

/** `allow`: as the far side offers, and plain in offers of ours. `require`: SRTP or 488. */
export type SecurityPolicy = 'plain' | 'allow' | 'require';

/** What a leg may carry beside its audio format. */
export type AuxiliaryPayloads = {
  /** RFC 4733, or `undefined` when not negotiated. */
  readonly telephoneEvent: number | undefined;
  /** Of their durations. Default the format's clock rate; some phones offer 8,000 Hz beside Opus. */
  readonly telephoneEventClockRateHz?: number;
  /** RFC 3389 comfort noise, tolerated and never sent. */
  readonly comfortNoise: number | undefined;
};

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Our side of a leg, as SDP will announce it. */
export type LocalMedia = {
  /** Where the socket is bound; SDP carries the external address instead when one is configured. */
  readonly rtp: SocketAddress;
  readonly rtcp: SocketAddress;
  /** In order of preference. */
  readonly formats: readonly AudioFormat[];
  /** Default `allow`. */
  readonly security?: SecurityPolicy;
};

/** The far side of a leg, as the finished offer and answer say. */
export type RemoteMedia = {
  readonly rtp: SocketAddress;
  readonly rtcp: SocketAddress;
  readonly format: AudioFormat;
  readonly auxiliary: AuxiliaryPayloads;
  /** From our point of view: `recvonly` means that the far side does not want our media. */
  readonly direction: MediaDirection;
  /** Milliseconds of audio in a packet, as the far side asked; 20 by default. */
  readonly packetTimeMs: number;
  /** `undefined`: plain RTP. */
  readonly security?: MediaSecurity | undefined;
  /**
   * Addresses (single ones, or CIDR ranges) from where media may come besides `rtp`: the
   * signalling source and the trunk's media addresses (the rule is `Latch`'s).
   */
  readonly alternativeSources: readonly string[];
};
