import type { Parameters } from './parameters.ts';

/** A `sip:`, `sips:` or `tel:` URI (RFC 3261 §19.1, RFC 3966). */
export type SipUri = {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Percent-decoded; `''` if there is none. For `tel:` the number. */
  readonly user: string;
  /** Without brackets for IPv6; `''` for `tel:`. */
  readonly host: string;
  readonly port: number | undefined;
  readonly parameters: Parameters;
  /** The part after `?`, undecoded; `''` if there is none. */
  readonly headers: string;
};
