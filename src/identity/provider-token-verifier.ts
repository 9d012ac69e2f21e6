import type { JWTPayload } from 'jose';
import { callRole, type Principal } from '../core/application.ts';
import type { Clock } from '../core/ports/clock.ts';
import { defect, parsed, type Parsed } from '../core/result.ts';
import type { AccessTokenVerifier, TokenDefect, TokenResource } from './access-tokens.ts';
import type { Applications } from './applications.ts';
import type { ProviderKeys } from './provider-keys.ts';
import { vendorResourceOf } from './token-resources.ts';
import {
  audiencesOf,
  bearerToken,
  isDelegated,
  listClaim,
  textClaim,
  verifiedClaims,
} from './verified-claims.ts';

/** Public keys only: a shared secret would have to be known here. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384'];

/** What providers call the client that a token was given to. */
const CLIENT_CLAIMS = ['azp', 'appid', 'client_id', 'cid'] as const;

const MAX_ID_LENGTH = 256;

export type ProviderOptions = {
  /** As `iss` says it, to the letter. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Of tokens that name no tenant and whose application is not configured. */
  readonly defaultTenantId: string;
};

export type ProviderParts = {
  readonly keys: ProviderKeys;
  readonly applications: Applications;
  readonly clock: Clock;
};

/** Takes the access tokens of an OpenID provider that the operator trusts. */
export class ProviderTokenVerifier implements AccessTokenVerifier {
  readonly #options: ProviderOptions;
  readonly #parts: ProviderParts;

  constructor(options: ProviderOptions, parts: ProviderParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async verify(
    authorization: string | undefined,
    resource: TokenResource,
  ): Promise<Parsed<Principal, TokenDefect>> {
    const token = bearerToken(authorization);
    if (!token.ok) return token;
    const { keys, clock } = this.#parts;
    const claims = await verifiedClaims(
      token.value,
      (header, jws) => keys.key(header, jws),
      ALGORITHMS,
      clock.nowMs(),
    );
    return claims.ok ? this.#principal(claims.value, resource) : claims;
  }

  #principal(claims: JWTPayload, resource: TokenResource): Parsed<Principal, TokenDefect> {
    if (claims.iss !== this.#options.issuer) return defect('issuer-unknown');
    if (!audiencesOf(claims).some((audience) => this.#isFor(audience, resource))) {
      return defect('audience-wrong');
    }
    if (isDelegated(claims)) return defect('delegated');
    const applicationId = textClaim(claims, ...CLIENT_CLAIMS);
    if (applicationId === undefined || applicationId.length > MAX_ID_LENGTH) {
      return defect('malformed');
    }
    const application = this.#parts.applications.get(applicationId);
    if (resource === 'communication' && application?.callAutomation === false) {
      return defect('application-unknown');
    }
    const tenantId =
      textClaim(claims, 'tid') ?? application?.tenantId ?? this.#options.defaultTenantId;
    // Providers that know no roles leave them to the configuration.
    const roles =
      listClaim(claims, 'roles')
        ?.map(callRole)
        .filter((role) => role !== undefined) ??
      application?.roles ??
      [];
    return parsed({ applicationId, tenantId, roles, application });
  }

  /** One audience may serve both APIs, but the vendor's name of one is never the other's. */
  #isFor(audience: string, resource: TokenResource): boolean {
    const { audiences } = this.#options;
    if (!audiences.includes(audience)) return false;
    return [undefined, resource].includes(vendorResourceOf(audience));
  }
}
