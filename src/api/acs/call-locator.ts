import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { ServerCallId } from '../../core/ids.ts';
import { type IdFields, MAX_TOKEN_CHARACTERS, oneOf } from './fields.ts';

const Token = Type.String({ minLength: 1, maxLength: MAX_TOKEN_CHARACTERS });

/** CallLocator as it arrives. */
export type CallLocator = {
  kind?: string;
  serverCallId?: string;
  groupCallId?: string;
  roomId?: string;
};

export const CallLocatorSchema: Type.TUnsafe<CallLocator> = Type.Unsafe(
  Type.Object({
    kind: Type.Optional(Type.String({ maxLength: 64 })),
    serverCallId: Type.Optional(Token),
    groupCallId: Type.Optional(Token),
    roomId: Type.Optional(Token),
  }),
);

const FIELDS = {
  serverCallLocator: 'serverCallId',
  groupCallLocator: 'groupCallId',
  roomCallLocator: 'roomId',
} as const;
type LocatorKind = keyof typeof FIELDS;
const KINDS = Object.keys(FIELDS) as readonly LocatorKind[];

/** What the locator names; its kind may be left out when only one id is there. */
export function locatedBy(
  locator: CallLocator,
  ids: IdFields,
): { readonly serverCallId: ServerCallId } | { readonly groupCallId: string } {
  const kind = kindOf(locator);
  const field = FIELDS[kind];
  const id = locator[field];
  if (id === undefined) throw invalid(`callLocator.${field}`, `is what a ${kind} needs`);
  switch (kind) {
    case 'serverCallLocator':
      return { serverCallId: ids.serverCall(id) };
    case 'groupCallLocator':
      return { groupCallId: id };
    case 'roomCallLocator':
      throw new TapedeckError(
        'not-supported',
        'roomCallLocator is not supported by this server yet.',
        { field: 'callLocator.roomId' },
      );
  }
}

function kindOf(locator: CallLocator): LocatorKind {
  if (locator.kind !== undefined) return oneOf(KINDS, locator.kind, 'callLocator.kind');
  const [kind, ...others] = KINDS.filter((one) => locator[FIELDS[one]] !== undefined);
  if (kind !== undefined && others.length === 0) return kind;
  throw invalid('callLocator.kind', `has to be one of ${KINDS.join(', ')}`);
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field}: ${problem}.`, {
    field,
  });
}
