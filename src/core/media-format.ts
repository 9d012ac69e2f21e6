import type { SocketAddress } from './ports/datagram.ts';

export type CodecName = 'PCMU' | 'PCMA';

/** One negotiable audio format of a leg. */
export type AudioFormat = {
  readonly codec: CodecName;
  /** RTP payload type, 0–127, as negotiated on this leg. */
  readonly payloadType: number;
  readonly clockRateHz: number;
};

/** What a leg may carry beside its audio format. */
export type AuxiliaryPayloads = {
  /** RFC 4733, or `undefined` when not negotiated. */
  readonly telephoneEvent: number | undefined;
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
  /**
   * Addresses (single ones, or CIDR ranges) from where media may come besides `rtp`: the
   * signalling source and the trunk's media addresses (the rule is `Latch`'s).
   */
  readonly alternativeSources: readonly string[];
};
