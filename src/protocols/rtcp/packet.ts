/** Packet types (RFC 3550 §12.1). */
export const RTCP_TYPE = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  goodbye: 203,
} as const;

/** What one receiver says about one source (RFC 3550 §6.4.1). */
export type ReportBlock = {
  /** The source this is about. */
  readonly ssrc: number;
  /** Lost since the last report, as a fraction of 256. */
  readonly fractionLost: number;
  /** Lost since the beginning, −2²³…2²³−1; duplicates count against it. */
  readonly cumulativeLost: number;
  /** Sequence number with the count of its wraps above it, 32 bits. */
  readonly extendedHighestSequence: number;
  /** Interarrival jitter in ticks of the media clock. */
  readonly jitterTicks: number;
  /** Middle 32 bits of the NTP time of the last sender report, 0 if none came. */
  readonly lastSenderReport: number;
  /** Since that report, in units of 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
};

export type SenderInfo = {
  /** Seconds since 1900. */
  readonly ntpSeconds: number;
  /** Units of 2⁻³² s. */
  readonly ntpFraction: number;
  /** The same moment on the media clock, in ticks. */
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  /** Payload bytes, headers and padding not counted. */
  readonly octetCount: number;
};

export type RtcpPacket =
  | {
      readonly type: 'sender-report';
      readonly ssrc: number;
      readonly sender: SenderInfo;
      readonly reports: readonly ReportBlock[];
    }
  | {
      readonly type: 'receiver-report';
      readonly ssrc: number;
      readonly reports: readonly ReportBlock[];
    }
  | {
      readonly type: 'source-description';
      /** Canonical names by source; sources without one are left out. */
      readonly names: readonly { readonly ssrc: number; readonly cname: string }[];
    }
  | { readonly type: 'goodbye'; readonly ssrcs: readonly number[] }
  /** A type we do not read, such as feedback; kept so that counts agree. */
  | { readonly type: 'other'; readonly packetType: number };
