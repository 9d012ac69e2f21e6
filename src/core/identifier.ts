/** A participant as the vendor's models name one (CommunicationIdentifierModel). */
export type Identifier =
  | { readonly kind: 'communicationUser'; readonly rawId: string }
  | { readonly kind: 'phoneNumber'; readonly rawId: string; readonly number: string }
  | { readonly kind: 'unknown'; readonly rawId: string };

export const PHONE_RAW_ID_PREFIX = '4:';

/** E.164: a plus and at most 15 digits, the first not 0. */
export const E164: RegExp = /^\+[1-9]\d{1,14}$/;

/** `8:acs:<resource>_<user>` and the sovereign-cloud spellings. */
const COMMUNICATION_USER = /^8:(acs|spool|dod-acs|gcch-acs):/;

export function phoneNumber(number: string): Identifier {
  return { kind: 'phoneNumber', rawId: PHONE_RAW_ID_PREFIX + number, number };
}

export function communicationUser(rawId: string): Identifier {
  return { kind: 'communicationUser', rawId };
}

/** Derives the kind from a raw id, by the prefixes of the vendor's identifiers. */
export function identifierFromRawId(rawId: string): Identifier {
  if (COMMUNICATION_USER.test(rawId)) return communicationUser(rawId);
  if (rawId.startsWith(PHONE_RAW_ID_PREFIX)) {
    return phoneNumber(rawId.slice(PHONE_RAW_ID_PREFIX.length));
  }
  return { kind: 'unknown', rawId };
}

/** The identifier as the vendor's JSON carries it: kind, raw id and the nested object. */
export type IdentifierModel = {
  readonly kind: Identifier['kind'];
  readonly rawId: string;
  readonly communicationUser?: { readonly id: string };
  readonly phoneNumber?: { readonly value: string };
};

export function identifierModel(identifier: Identifier): IdentifierModel {
  const { kind, rawId } = identifier;
  switch (identifier.kind) {
    case 'communicationUser':
      return { kind, rawId, communicationUser: { id: rawId } };
    case 'phoneNumber':
      return { kind, rawId, phoneNumber: { value: identifier.number } };
    case 'unknown':
      return { kind, rawId };
  }
}
