import type { Parameters } from './parameters.ts';
import type { SipUri } from './uri.ts';

/** `From`, `To`, `Contact`, `Route` and their like (RFC 3261 §20.10). */
export type NameAddress = {
  /** Unquoted; `''` if there is none. */
  readonly displayName: string;
  readonly uri: SipUri;
  /** Header parameters, `tag` among them. */
  readonly parameters: Parameters;
};
