import type { SipHeaders } from '../../protocols/sip/headers.ts';

/** The tokens of a comma list such as `Supported` or `Require`, in lower case. */
export function listOf(headers: SipHeaders, name: string): readonly string[] {
  return headers
    .all(name)
    .flatMap((value) => value.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');
}
