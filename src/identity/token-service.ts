import type { Application } from '../core/application.ts';
import { defect, parsed, type Parsed } from '../core/result.ts';
import { ACCESS_TOKEN_LIFETIME_SECONDS, type AccessTokenIssuer } from './access-token-issuer.ts';
import type { TokenResource } from './access-tokens.ts';
import type { Applications } from './applications.ts';
import type { AssertionDefect, ClientAssertions } from './client-assertion.ts';
import type { TokenResources } from './token-resources.ts';

const DEFAULT_SCOPE = '/.default';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Why no token is given. */
export type GrantDefect =
  | AssertionDefect
  | 'tenant-unspecific'
  | 'tenant-unknown'
  | 'grant-type-missing'
  | 'grant-type-unsupported'
  | 'client-id-missing'
  | 'application-unknown'
  | 'credential-missing'
  | 'secret-wrong'
  | 'assertion-type-unsupported'
  | 'scope-missing'
  | 'scope-malformed'
  | 'scope-not-default'
  | 'resource-unknown'
  | 'resource-not-allowed';

/** A request for a token (RFC 6749 §4.4.2), its fields as sent; empty ones count as left out. */
export type GrantRequest = {
  /** From the path. */
  readonly tenant: string;
  readonly grantType: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly clientAssertionType: string | undefined;
  readonly clientAssertion: string | undefined;
  readonly scope: string | undefined;
  /** URL of the tenant's issuer as the client sees it. */
  readonly issuer: string;
  /** Whether an assertion may name this URL as who it is for. */
  readonly isAudience: (audience: string) => boolean;
  /** Address of whoever asks. */
  readonly peer: string;
};

export type Granted = { readonly accessToken: string; readonly expiresInSeconds: number };

export type TokenServiceParts = {
  readonly applications: Applications;
  readonly assertions: ClientAssertions;
  readonly resources: TokenResources;
  readonly issuer: AccessTokenIssuer;
};

/** Gives applications their access tokens, for a secret or for an assertion. */
export class TokenService {
  readonly #parts: TokenServiceParts;

  constructor(parts: TokenServiceParts) {
    this.#parts = parts;
  }

  /** Whether discovery documents are served for it: those of any tenant say the same. */
  knowsTenant(tenant: string): boolean {
    return isShared(tenant) || this.#parts.applications.hasTenant(tenant);
  }

  /** Rejects with the system's error if the first signing key cannot be stored. */
  async grant(request: GrantRequest): Promise<Parsed<Granted, GrantDefect>> {
    const application = this.#application(request);
    if (!application.ok) return application;
    const provenBy = await this.#prove(request, application.value);
    if (!provenBy.ok) return provenBy;
    const target = this.#target(request.scope, application.value);
    if (!target.ok) return target;
    const accessToken = await this.#parts.issuer.issue({
      application: application.value,
      ...target.value,
      issuer: request.issuer,
      provenBy: provenBy.value,
    });
    return parsed({ accessToken, expiresInSeconds: ACCESS_TOKEN_LIFETIME_SECONDS - 1 });
  }

  #application(request: GrantRequest): Parsed<Application, GrantDefect> {
    const { tenant, grantType, clientId } = request;
    const { applications } = this.#parts;
    if (isShared(tenant)) return defect('tenant-unspecific');
    if (!applications.hasTenant(tenant)) return defect('tenant-unknown');
    if (grantType === undefined) return defect('grant-type-missing');
    if (grantType !== 'client_credentials') return defect('grant-type-unsupported');
    if (clientId === undefined) return defect('client-id-missing');
    const application = applications.get(clientId);
    const isHere = application?.tenantId.toLowerCase() === tenant.toLowerCase();
    return application !== undefined && isHere
      ? parsed(application)
      : defect('application-unknown');
  }

  async #prove(
    request: GrantRequest,
    { applicationId }: Application,
  ): Promise<Parsed<'secret' | 'certificate', GrantDefect>> {
    const { clientSecret, clientAssertion: assertion, isAudience, peer } = request;
    const { applications, assertions } = this.#parts;
    if (assertion !== undefined) {
      if (request.clientAssertionType !== ASSERTION_TYPE) {
        return defect('assertion-type-unsupported');
      }
      const checked = await assertions.check({ applicationId, assertion, isAudience, peer });
      return checked.ok ? parsed('certificate') : checked;
    }
    if (clientSecret === undefined) return defect('credential-missing');
    return applications.acceptsSecret(applicationId, clientSecret)
      ? parsed('secret')
      : defect('secret-wrong');
  }

  #target(
    scope: string | undefined,
    application: Application,
  ): Parsed<{ readonly resource: TokenResource; readonly audience: string }, GrantDefect> {
    if (scope === undefined) return defect('scope-missing');
    // Libraries add these of OpenID to whatever is asked; an application has no use for them.
    const scopes = scope.split(/\s+/).filter((one) => one !== '' && !OPENID_SCOPES.has(one));
    const [only = '', ...more] = scopes;
    if (only === '' || more.length > 0) return defect('scope-malformed');
    if (!only.endsWith(DEFAULT_SCOPE)) return defect('scope-not-default');
    const audience = only.slice(0, -DEFAULT_SCOPE.length);
    const resource = this.#parts.resources.resourceOf(audience);
    if (resource === undefined) return defect('resource-unknown');
    if (resource === 'communication' && !application.callAutomation) {
      return defect('resource-not-allowed');
    }
    return parsed({ resource, audience });
  }
}

const OPENID_SCOPES: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'offline_access',
  'email',
]);

/** The vendor's names for "any tenant"; documents are served for them, tokens are not given. */
function isShared(tenant: string): boolean {
  return /^(common|organizations|consumers)$/i.test(tenant);
}
