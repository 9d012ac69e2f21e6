import type { SipHeaders } from './headers.ts';
import type { NameAddress } from './name-address.ts';
import type { SipUri } from './uri.ts';
import type { Via } from './via.ts';

/** `CSeq` (RFC 3261 §20.16). */
export type CSeq = {
  /** 0 … 2^31 − 1. */
  readonly number: number;
  /** Upper or lower case as sent: methods are case-sensitive. */
  readonly method: string;
};

/** The fields that every message must have (RFC 3261 §8.1.1), read once by the parser. */
export type SipEssentials = {
  /** The topmost `Via`. */
  readonly via: Via;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly callId: string;
  readonly cseq: CSeq;
};

export type SipRequest = SipEssentials & {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: SipUri;
  readonly headers: SipHeaders;
  readonly body: Uint8Array;
};

export type SipResponse = SipEssentials & {
  readonly kind: 'response';
  /** 100 … 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: SipHeaders;
  readonly body: Uint8Array;
};

export type SipMessage = SipRequest | SipResponse;
