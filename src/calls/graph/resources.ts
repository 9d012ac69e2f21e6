import type { Identifier } from '../../core/identifier.ts';
import type { Resource } from '../../core/ports/bot-calls.ts';
import type { BotHold } from '../../core/records.ts';
import type { ResultInformation } from '../result-code.ts';

/** `#microsoft.graph.` and the name of a type. */
export function odataType(name: string): { readonly '@odata.type': string } {
  return { '@odata.type': `#microsoft.graph.${name}` };
}

/** As notifications name a call: its id in capitals without dashes. */
export function callUrl(callId: string): string {
  return `/communications/calls/${inCapitals(callId)}`;
}

/** A GUID as it stands in `resourceUrl` and `@odata.id`. */
export function inCapitals(id: string): string {
  return id.replaceAll('-', '').toUpperCase();
}

/** Somebody as an identitySet. */
export function identitySet(identifier: Identifier, displayName?: string): Resource {
  const member = identifier.kind === 'phoneNumber' ? 'phone' : 'user';
  const id = identifier.kind === 'phoneNumber' ? identifier.number : identifier.rawId;
  return { ...odataType('identitySet'), [member]: identity(id, displayName) };
}

export function identity(id: string, displayName = ''): Resource {
  return { ...odataType('identity'), id, displayName: displayName === '' ? null : displayName };
}

/** The bot as an identitySet; `calledAt` is what was dialled to reach it. */
export function botIdentitySet(
  bot: Pick<BotHold, 'applicationId' | 'applicationName'>,
  calledAt?: Identifier,
): Resource {
  return {
    ...(calledAt?.kind === 'phoneNumber' ? identitySet(calledAt) : odataType('identitySet')),
    application: identity(bot.applicationId, bot.applicationName),
  };
}

/** Who takes part, as far as the vendor's model goes: what we cannot know is null. */
export function participantInfo(identities: Resource, participantId: string | null): Resource {
  return {
    ...odataType('participantInfo'),
    identity: identities,
    endpointType: 'default',
    participantId,
    countryCode: null,
    region: null,
    languageId: null,
  };
}

export function invitationInfo(identities: Resource): Resource {
  return { ...odataType('invitationParticipantInfo'), identity: identities };
}

/** Codes are numbers: strings, as some samples have them, are lost on typed clients. */
export function resultInfo({ code, subCode, message }: ResultInformation): Resource {
  return { ...odataType('resultInfo'), code, subcode: subCode, message };
}

export type OperationStatus = 'notStarted' | 'running' | 'completed' | 'failed';

export type OperationParts = {
  /** Without suffix: `playPrompt`. */
  readonly type: string;
  readonly id: string;
  readonly clientContext: string | undefined;
  readonly status: OperationStatus;
  readonly result: ResultInformation | undefined;
  /** What only operations of this type have. */
  readonly more?: Resource;
};

export function operationResource(
  { type, id, clientContext, status, result, more = {} }: OperationParts,
  spelling: BotHold['operationStatus'],
): Resource {
  return {
    ...odataType(`${type}Operation`),
    id,
    status: spelling === 'camelCase' ? status : status.charAt(0).toUpperCase() + status.slice(1),
    resultInfo: result === undefined ? null : resultInfo(result),
    clientContext: clientContext ?? null,
    ...more,
  };
}
