import type { SipParty } from '../core/ports/signalling.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { parseNameAddressList, type NameAddress } from '../protocols/sip/name-address.ts';
import type { SipUri } from '../protocols/sip/uri.ts';

/** The caller: P-Asserted-Identity where it is to be believed (RFC 3325 §5), else From. */
export function callerOf(request: SipRequest, isTrusted: boolean): SipParty {
  const asserted = isTrusted ? assertedIdentity(request) : undefined;
  return partyOf(asserted ?? request.from);
}

export function partyOf(address: Pick<NameAddress, 'uri' | 'displayName'>): SipParty {
  const { uri, displayName } = address;
  return { user: userOf(uri), host: uri.host, displayName };
}

/** The user part, or the number of a `tel:` URI without its visual separators. */
export function userOf(uri: SipUri): string {
  return uri.scheme === 'tel' ? uri.user.replace(/[().-]/g, '') : uri.user;
}

function assertedIdentity(request: SipRequest): NameAddress | undefined {
  const list = parseNameAddressList(request.headers.all('P-Asserted-Identity'));
  return list.ok ? list.value.find((address) => address.uri.user !== '') : undefined;
}

/** Headers that applications get: names that begin with `X-`, and `User-To-User` (RFC 7433). */
export function applicationHeaders(request: SipRequest): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, value } of request.headers.entries()) {
    if (!/^x-/i.test(name) && name.toLowerCase() !== 'user-to-user') continue;
    found[name] = name in found ? `${found[name] ?? ''}, ${value}` : value;
  }
  return found;
}
