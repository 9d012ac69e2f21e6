/** `{tenantid}` stands in documents that serve every tenant, as in the vendor's. */
export function issuerUrl(origin: string, tenant: string): string {
  const isShared = /^(common|organizations|consumers)$/i.test(tenant);
  return `${origin}/${isShared ? '{tenantid}' : tenant}/v2.0`;
}

export function tokenEndpoint(origin: string, tenant: string): string {
  return `${origin}/${tenant}/oauth2/v2.0/token`;
}

/** OpenID Connect Discovery 1.0 §3, with what MSAL asks of it: all four URLs have to be there. */
export function discoveryDocument(
  origin: string,
  tenant: string,
): Readonly<Record<string, unknown>> {
  return {
    token_endpoint: tokenEndpoint(origin, tenant),
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'client_secret_basic',
      'private_key_jwt',
    ],
    token_endpoint_auth_signing_alg_values_supported: ['RS256', 'PS256'],
    jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    grant_types_supported: ['client_credentials'],
    response_types_supported: ['token'],
    scopes_supported: ['https://graph.microsoft.com/.default'],
    issuer: issuerUrl(origin, tenant),
    request_uri_parameter_supported: false,
    authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nbf', 'tid', 'ver', 'roles', 'azp'],
  };
}

/** What libraries ask about an authority that they do not know, where they are led to us for it. */
export function instanceDocument(
  origin: string,
  tenant: string,
): Readonly<Record<string, unknown>> {
  const { host } = new URL(origin);
  return {
    tenant_discovery_endpoint: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}
