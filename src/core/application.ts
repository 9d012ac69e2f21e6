/** What a token may allow on calls: the application permissions of Microsoft Graph. */
export const CALL_ROLES = [
  'Calls.Initiate.All',
  'Calls.InitiateGroupCall.All',
  'Calls.JoinGroupCall.All',
  'Calls.JoinGroupCallAsGuest.All',
  'Calls.AccessMedia.All',
] as const;

export type CallRole = (typeof CALL_ROLES)[number];

/** A bot, or whatever else has a client id: what is known of it, without its secrets. */
export type Application = {
  /** The client id: a GUID in lower case. */
  readonly applicationId: string;
  /** GUID in lower case. */
  readonly tenantId: string;
  /** As people read it. */
  readonly name: string;
  readonly roles: readonly CallRole[];
  /** Where incoming calls are told that a route gives to it; calls that it makes name their own. */
  readonly callbackUri: string | undefined;
  /** Whether its tokens for the Call Automation API are good. */
  readonly callAutomation: boolean;
  /** How `status` of operations is spelled for it: `running`, or `Running` as some SDKs expect. */
  readonly operationStatus: 'camelCase' | 'PascalCase';
};

/** Proven by a token: who asks, and what it may do. */
export type Principal = {
  /** As the token names it; of a trusted provider of somebody else's it need be no GUID. */
  readonly applicationId: string;
  readonly tenantId: string;
  readonly roles: readonly CallRole[];
  /** What is configured for it; only a trusted provider knows applications that are not. */
  readonly application: Application | undefined;
};

export function hasRole(principal: Pick<Principal, 'roles'>, role: CallRole): boolean {
  return principal.roles.includes(role);
}

/** The role of that name, however it is spelled: documents differ in case and in the plural. */
export function callRole(name: string): CallRole | undefined {
  const wanted = plain(name);
  return CALL_ROLES.find((role) => plain(role) === wanted);
}

/** `Calls.JoinGroupCalls.All` and `Calls.JoinGroupCallasGuest.All` are in documents too. */
function plain(name: string): string {
  return name.toLowerCase().replace('groupcalls', 'groupcall');
}
