import { errors, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { callRole, type Principal } from '../core/application.ts';
import type { Clock } from '../core/ports/clock.ts';
import { defect, parsed, type Parsed } from '../core/result.ts';
import type { AccessTokenVerifier, TokenDefect, TokenResource } from './access-tokens.ts';
import type { Applications } from './applications.ts';
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts';
import type { TokenResources } from './token-resources.ts';
import {
  audiencesOf,
  bearerToken,
  isDelegated,
  listClaim,
  textClaim,
  verifiedClaims,
} from './verified-claims.ts';

export type OwnTokens = {
  readonly keys: SigningKeys;
  readonly applications: Applications;
  readonly resources: TokenResources;
  readonly clock: Clock;
};

/** Takes the access tokens that this server issued, as long as their application is configured. */
export class OwnTokenVerifier implements AccessTokenVerifier {
  readonly #own: OwnTokens;

  constructor(own: OwnTokens) {
    this.#own = own;
  }

  async verify(
    authorization: string | undefined,
    resource: TokenResource,
  ): Promise<Parsed<Principal, TokenDefect>> {
    const token = bearerToken(authorization);
    if (!token.ok) return token;
    const { keys, clock } = this.#own;
    const keyOf: JWTVerifyGetKey = ({ kid }) => {
      const key = kid === undefined ? undefined : keys.publicKey(kid);
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key;
    };
    const claims = await verifiedClaims(token.value, keyOf, [SIGNING_ALGORITHM], clock.nowMs());
    return claims.ok ? this.#principal(claims.value, resource) : claims;
  }

  #principal(claims: JWTPayload, resource: TokenResource): Parsed<Principal, TokenDefect> {
    const applicationId = textClaim(claims, 'azp', 'appid');
    const tenantId = textClaim(claims, 'tid');
    if (applicationId === undefined || tenantId === undefined) return defect('malformed');
    if (!this.#isOurIssuer(claims.iss, tenantId)) return defect('issuer-unknown');
    const { applications, resources } = this.#own;
    if (!audiencesOf(claims).some((audience) => resources.resourceOf(audience) === resource)) {
      return defect('audience-wrong');
    }
    if (isDelegated(claims)) return defect('delegated');
    const application = applications.get(applicationId);
    if (application?.tenantId !== tenantId) return defect('application-unknown');
    if (resource === 'communication' && !application.callAutomation) {
      return defect('application-unknown');
    }
    // What the configuration has taken back since counts no more.
    const granted = (listClaim(claims, 'roles') ?? []).map(callRole);
    const roles = application.roles.filter((role) => granted.includes(role));
    return parsed({ applicationId: application.applicationId, tenantId, roles, application });
  }

  /** Whatever name or port the token was asked at: the signature says that it is ours. */
  #isOurIssuer(issuer: string | undefined, tenantId: string): boolean {
    return issuer !== undefined && issuer.endsWith(`/${tenantId}/v2.0`);
  }
}
