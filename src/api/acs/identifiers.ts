import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import {
  communicationUser,
  E164,
  type Identifier,
  identifierFromRawId,
  phoneNumber,
} from '../../core/identifier.ts';

const MAX_ID_LENGTH = 512;

/** CommunicationIdentifierModel as it arrives; any part may be missing. */
export type IdentifierInput = {
  kind?: string;
  rawId?: string;
  communicationUser?: CommunicationUserInput;
  phoneNumber?: PhoneNumberInput;
  microsoftTeamsUser?: { userId: string; isAnonymous?: boolean; cloud?: string };
  microsoftTeamsApp?: { appId: string; cloud?: string };
  teamsExtensionUser?: { userId: string; tenantId: string; resourceId: string; cloud?: string };
};
export type CommunicationUserInput = { id: string };
export type PhoneNumberInput = { value: string };

const id = Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH });
const word = Type.Optional(Type.String({ maxLength: 64 }));

export const PhoneNumberSchema: Type.TUnsafe<PhoneNumberInput> = Type.Unsafe(
  Type.Object({ value: id }),
);
export const CommunicationUserSchema: Type.TUnsafe<CommunicationUserInput> = Type.Unsafe(
  Type.Object({ id }),
);
export const IdentifierSchema: Type.TUnsafe<IdentifierInput> = Type.Unsafe(
  Type.Object({
    kind: word,
    rawId: Type.Optional(Type.String({ maxLength: MAX_ID_LENGTH })),
    communicationUser: Type.Optional(CommunicationUserSchema),
    phoneNumber: Type.Optional(PhoneNumberSchema),
    microsoftTeamsUser: Type.Optional(
      Type.Object({ userId: id, isAnonymous: Type.Optional(Type.Boolean()), cloud: word }),
    ),
    microsoftTeamsApp: Type.Optional(Type.Object({ appId: id, cloud: word })),
    teamsExtensionUser: Type.Optional(
      Type.Object({ userId: id, tenantId: id, resourceId: id, cloud: word }),
    ),
  }),
);

/** @param field its place in the request, for the error. */
export function toIdentifier(wire: IdentifierInput, field: string): Identifier {
  if (wire.phoneNumber === undefined && wire.communicationUser !== undefined) {
    return communicationUser(wire.communicationUser.id);
  }
  const identifier = identifierFromRawId(toRawId(wire, field));
  if (identifier.kind !== 'phoneNumber') return identifier;
  const part = wire.phoneNumber === undefined ? 'rawId' : 'phoneNumber.value';
  return checkedNumber(identifier.number, `${field}.${part}`);
}

/**
 * The raw id of whoever is named, by whichever part of the model is there; of a phone number whatever
 * stands in its place, since naming somebody is not calling them.
 *
 * @param field its place in the request, for the error.
 */
export function toRawId(wire: IdentifierInput, field: string): string {
  const rawId =
    wire.phoneNumber === undefined
      ? (wire.communicationUser?.id ?? wire.rawId ?? teamsRawId(wire))
      : phoneNumber(wire.phoneNumber.value).rawId;
  if (rawId !== undefined && rawId !== '') return rawId;
  throw new TapedeckError(
    'argument-invalid',
    `Invalid argument: ${field} has neither a rawId nor the object that its kind asks for.`,
    { field },
  );
}

/**
 * Somebody who is named and not called: as `toRawId`.
 *
 * @param field its place in the request, for the error.
 */
export function toNamed(wire: IdentifierInput, field: string): Identifier {
  return identifierFromRawId(toRawId(wire, field));
}

export function checkedNumber(number: string, field: string): Identifier {
  if (!E164.test(number)) {
    throw new TapedeckError(
      'argument-invalid',
      `Invalid argument: ${field} has to be a number in E.164 form, like +15550100.`,
      { field },
    );
  }
  return phoneNumber(number);
}

function teamsRawId(wire: IdentifierInput): string | undefined {
  const { microsoftTeamsUser: user, microsoftTeamsApp: app, teamsExtensionUser: extension } = wire;
  if (user !== undefined) {
    if (user.isAnonymous === true) return `8:teamsvisitor:${user.userId}`;
    return `8:${cloudPrefix(user.cloud, 'orgid')}:${user.userId}`;
  }
  if (app !== undefined) return `28:${cloudPrefix(app.cloud, 'orgid')}:${app.appId}`;
  if (extension !== undefined) {
    const { resourceId, tenantId, userId, cloud } = extension;
    const prefix = cloudPrefix(cloud, '');
    return `8:${prefix === '' ? 'acs' : `${prefix}-acs`}:${resourceId}_${tenantId}_${userId}`;
  }
  return undefined;
}

function cloudPrefix(cloud: string | undefined, ofPublic: string): string {
  const name = cloud?.toLowerCase() ?? 'public';
  return name === 'dod' || name === 'gcch' ? name : ofPublic;
}

const GUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const TEAMS_EXTENSION_USER = new RegExp(`^8:(acs|dod-acs|gcch-acs):(${GUID})_(${GUID})_(${GUID})$`);
const TEAMS_USER = /^8:(orgid|dod|gcch|teamsvisitor):(.+)$/;
const TEAMS_APP = /^28:(orgid|dod|gcch):(.+)$/;
const CLOUDS: Readonly<Record<string, string>> = {
  dod: 'dod',
  gcch: 'gcch',
  'dod-acs': 'dod',
  'gcch-acs': 'gcch',
};

/** The whole model: kind, raw id and nested object. */
export function toWireIdentifier(identifier: Identifier): Record<string, unknown> {
  const { rawId } = identifier;
  const extension = TEAMS_EXTENSION_USER.exec(rawId);
  if (extension !== null) {
    const [, prefix = '', resourceId, tenantId, userId] = extension;
    const teamsExtensionUser = { userId, tenantId, resourceId, cloud: CLOUDS[prefix] ?? 'public' };
    return { kind: 'teamsExtensionUser', rawId, teamsExtensionUser };
  }
  switch (identifier.kind) {
    case 'communicationUser':
      return { kind: identifier.kind, rawId, communicationUser: { id: rawId } };
    case 'phoneNumber':
      return { kind: identifier.kind, rawId, phoneNumber: { value: identifier.number } };
    case 'unknown':
      return toWireTeams(rawId) ?? { kind: identifier.kind, rawId };
  }
}

function toWireTeams(rawId: string): Record<string, unknown> | undefined {
  const user = TEAMS_USER.exec(rawId);
  if (user !== null) {
    const [, prefix = '', userId] = user;
    const isAnonymous = prefix === 'teamsvisitor';
    const microsoftTeamsUser = { userId, isAnonymous, cloud: CLOUDS[prefix] ?? 'public' };
    return { kind: 'microsoftTeamsUser', rawId, microsoftTeamsUser };
  }
  const app = TEAMS_APP.exec(rawId);
  if (app === null) return undefined;
  const [, prefix = '', appId] = app;
  const microsoftTeamsApp = { appId, cloud: CLOUDS[prefix] ?? 'public' };
  return { kind: 'microsoftTeamsApp', rawId, microsoftTeamsApp };
}
