import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import { E164, identifierFromRawId, phoneNumber } from '../../core/identifier.ts';
import type { Named } from '../../core/ports/bot-calls.ts';

/** An identity as it arrives. */
export type IdentityInput = { id: string; displayName?: string };

/** The members of an identitySet that we know. */
export type IdentitySetInput = {
  [
    Member in 'user' | 'phone' | 'acsUser' | 'onPremises' | 'application' | 'applicationInstance'
  ]?: IdentityInput;
};

/** An invitationParticipantInfo as it arrives. */
export type InvitationInput = { identity: IdentitySetInput; replacesCallId?: string };

const IdentitySchema = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 512 }),
  displayName: Type.Optional(Type.String({ maxLength: 256 })),
});

/** Members that name somebody who can be reached here. */
const REACHED = ['user', 'phone', 'acsUser', 'onPremises'] as const;

export const IdentitySetSchema: Type.TUnsafe<IdentitySetInput> = Type.Unsafe(
  Type.Object({
    user: Type.Optional(IdentitySchema),
    phone: Type.Optional(IdentitySchema),
    acsUser: Type.Optional(IdentitySchema),
    onPremises: Type.Optional(IdentitySchema),
    application: Type.Optional(IdentitySchema),
    applicationInstance: Type.Optional(IdentitySchema),
  }),
);

/** Somebody who is called, invited, or sent a call. */
export const InvitationSchema: Type.TUnsafe<InvitationInput> = Type.Unsafe(
  Type.Object({
    identity: IdentitySetSchema,
    replacesCallId: Type.Optional(Type.String({ maxLength: 128 })),
  }),
);

/** Whom an identitySet names: by phone number, by user name or by a whole identifier or SIP address. */
export function toNamed(identities: IdentitySetInput, field: string): Named {
  const given = REACHED.filter((member) => identities[member] !== undefined);
  const [member] = given;
  const id = member === undefined ? undefined : identities[member]?.id;
  if (member === undefined || id === undefined || given.length > 1) {
    throw invalid(field, `has to have one of ${REACHED.join(', ')}`);
  }
  if (member === 'phone') {
    const number = id.replace(/^(4|tel):/, '');
    if (!E164.test(number)) throw invalid(`${field}.phone.id`, 'has to be an E.164 number, +1555…');
    return phoneNumber(number);
  }
  if (/^(4|8):|^sips?:/i.test(id)) return identifierFromRawId(id);
  return { kind: 'userName', name: id };
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}
