import { E164, communicationUser, phoneNumber, type Identifier } from '../core/identifier.ts';
import type { SipParty } from '../core/ports/signalling.ts';

/**
 * Who a SIP leg is (design §4): the user it authenticated as; else its number, when its user part
 * is E.164; else whatever its URI says.
 */
export function identifierOfParty(
  party: SipParty,
  authenticatedUser: string | undefined,
  resourceId: string,
): Identifier {
  if (authenticatedUser !== undefined) return identifierOfUser(authenticatedUser, resourceId);
  if (E164.test(party.user)) return phoneNumber(party.user);
  const host = party.host.includes(':') ? `[${party.host}]` : party.host;
  return {
    kind: 'unknown',
    rawId: party.user === '' ? `sip:${host}` : `sip:${party.user}@${host}`,
  };
}

/** `8:acs:<resource>_<user>`, or the user's name itself where it is such an id already. */
export function identifierOfUser(user: string, resourceId: string): Identifier {
  return communicationUser(user.startsWith('8:') ? user : `8:acs:${resourceId}_${user}`);
}

/** The names under which a communication user may be registered: its raw id, and its user part. */
export function registeredNamesOf(rawId: string): readonly string[] {
  const at = rawId.lastIndexOf('_');
  return at < 0 ? [rawId] : [rawId, rawId.slice(at + 1)];
}
