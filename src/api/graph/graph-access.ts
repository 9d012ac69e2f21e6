import { type CallRole, hasRole, type Principal } from '../../core/application.ts';
import type { AccessTokenVerifier, TokenDefect } from '../../identity/access-tokens.ts';
import { GraphFailure } from './graph-failure.ts';

const INVALID = 'InvalidAuthenticationToken';
const BAD_TOKEN = 'Access token validation failure.';

/** What is answered to a token that is not taken. */
const REFUSALS: Readonly<
  Record<TokenDefect, readonly [status: number, code: string, message: string]>
> = {
  missing: [
    401,
    INVALID,
    'Access token is empty. SDKs send a token only to hosts that they are told of: add the host of this server to customHosts (JavaScript) or to the allowed hosts of the authentication provider.',
  ],
  malformed: [401, INVALID, `${BAD_TOKEN} CompactToken parsing failed.`],
  'signature-invalid': [401, INVALID, `${BAD_TOKEN} Signature is invalid.`],
  'issuer-unknown': [401, INVALID, `${BAD_TOKEN} Issuer is not trusted.`],
  'audience-wrong': [401, INVALID, `${BAD_TOKEN} Invalid audience.`],
  expired: [401, INVALID, `${BAD_TOKEN} Lifetime validation failed, the token is expired.`],
  'not-yet-valid': [401, INVALID, `${BAD_TOKEN} The token is not valid yet.`],
  // As the vendor's service nests it.
  delegated: [
    403,
    'UnknownError',
    '{"errorCode":"7500","message":"Unsupported AAD Identity.","instanceAnnotations":[]}',
  ],
  'application-unknown': [403, '7503', 'Application is not registered in our store.'],
  'keys-unavailable': [
    503,
    'serviceNotAvailable',
    'The keys of the token’s issuer cannot be had at the moment.',
  ],
};

/** Who asks. Throws a `GraphFailure`. */
export async function principalOf(
  authorization: string | undefined,
  tokens: AccessTokenVerifier,
): Promise<Principal> {
  const verified = await tokens.verify(authorization, 'graph');
  if (verified.ok) return verified.value;
  throw new GraphFailure(...REFUSALS[verified.defect]);
}

/** Throws a `GraphFailure` that names the first role that is missing. */
export function requireRoles(principal: Principal, ...roles: readonly CallRole[]): void {
  const missing = roles.find((role) => !hasRole(principal, role));
  if (missing === undefined) return;
  throw new GraphFailure(
    403,
    '7504',
    `Insufficient enterprise tenant permissions, cannot access this API. The application permission ${missing} is missing.`,
  );
}
