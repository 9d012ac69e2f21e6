/** What a single message may cost. Beyond these a message is a defect, not an allocation. */
export type SipLimits = {
  /** Start line and headers with their line ends. */
  readonly headerBytes: number;
  readonly bodyBytes: number;
  /** Header fields, one for each line that starts one. */
  readonly headerFields: number;
};

/** About nine times the longest message of RFC 4475 (`longreq`, 3.5 kB). */
export const MAX_SIP_HEADER_BYTES = 32_768;
/** SIPREC bodies, the largest in use, have some kilobytes. */
export const MAX_SIP_BODY_BYTES = 131_072;
export const MAX_SIP_HEADER_FIELDS = 256;

export const SIP_LIMITS: SipLimits = {
  headerBytes: MAX_SIP_HEADER_BYTES,
  bodyBytes: MAX_SIP_BODY_BYTES,
  headerFields: MAX_SIP_HEADER_FIELDS,
};
