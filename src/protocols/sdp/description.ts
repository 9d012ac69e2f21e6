import type { MediaDirection } from '../../core/media-format.ts';
import type { SdpCrypto } from './crypto.ts';

/** What of a session description (RFC 8866) a recorder of calls needs. */
export type SessionDescription = {
  readonly origin: SdpOrigin;
  /** One for each `m=` line, in order; refused ones have port 0. */
  readonly media: readonly SdpMedia[];
};

/** `o=` (RFC 8866 §5.2). */
export type SdpOrigin = {
  readonly username: string;
  /** Decimal, often longer than a number holds. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  /** As it stands: an address or a name. */
  readonly address: string;
};

export type SdpMedia = {
  /** `audio`, `video`, `image`, … */
  readonly type: string;
  readonly port: number;
  /** `RTP/AVP`, `RTP/SAVP`, `udptl`, … as it stands. */
  readonly protocol: string;
  /** The format list as it stands; payload types for RTP. */
  readonly formats: readonly string[];
  /** The readable ones of `formats`, in order: with `a=rtpmap`, or of static type. */
  readonly payloads: readonly SdpPayload[];
  /** Of the line or of the session, canonical; `undefined` if there is none or it is a name. */
  readonly address: string | undefined;
  /** Of the sender of the description. Default `sendrecv`. */
  readonly direction: MediaDirection;
  readonly packetTimeMs: number | undefined;
  readonly maxPacketTimeMs: number | undefined;
  /** `a=rtcp` (RFC 3605). */
  readonly rtcp: { readonly port: number; readonly address: string | undefined } | undefined;
  readonly rtcpMux: boolean;
  /** The `a=crypto` lines that can be taken (RFC 4568), in order. Secret. */
  readonly crypto: readonly SdpCrypto[];
  /** `a=label` (RFC 4574). */
  readonly label: string | undefined;
};

export type SdpPayload = {
  /** 0 … 127. */
  readonly payloadType: number;
  /** Upper case: encoding names are case-insensitive. */
  readonly encoding: string;
  readonly clockRateHz: number;
  /** Default 1. */
  readonly channels: number;
  /** `a=fmtp` text; `''` if there is none. */
  readonly parameters: string;
};
