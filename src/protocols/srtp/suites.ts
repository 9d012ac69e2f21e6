import type { SrtpSuite } from '../../core/media-format.ts';

/** What a suite is made of; lengths in bytes. */
export type SuiteParameters = {
  /** AES: 16 or 32. */
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** 0 with an AEAD cipher, which has no key of its own for it. */
  readonly authenticationKeyBytes: number;
  readonly rtpTagBytes: number;
  readonly rtcpTagBytes: number;
};

const COUNTER_MODE = { keyBytes: 16, saltBytes: 14, authenticationKeyBytes: 20 };
const GCM = { saltBytes: 12, authenticationKeyBytes: 0, rtpTagBytes: 16, rtcpTagBytes: 16 };

/** RFC 4568 §6.2: the short tag is for RTP only. RFC 7714 §12. */
export const SUITES: Readonly<Record<SrtpSuite, SuiteParameters>> = {
  AES_CM_128_HMAC_SHA1_80: { ...COUNTER_MODE, rtpTagBytes: 10, rtcpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { ...COUNTER_MODE, rtpTagBytes: 4, rtcpTagBytes: 10 },
  AEAD_AES_128_GCM: { ...GCM, keyBytes: 16 },
  AEAD_AES_256_GCM: { ...GCM, keyBytes: 32 },
};
