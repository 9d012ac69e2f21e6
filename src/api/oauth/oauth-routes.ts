import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { SigningKeys } from '../../identity/signing-keys.ts';
import type { TokenService } from '../../identity/token-service.ts';
import type { Routes } from '../routes.ts';
import { discoveryDocument, instanceDocument, issuerUrl } from './discovery.ts';
import {
  grantError,
  invalidInstance,
  repeatedParameter,
  TRANSIENT,
  unsupportedFlow,
  type GrantError,
} from './grant-errors.ts';
import { readGrantForm } from './grant-form.ts';
import { isOwnUrl, originOf, type OwnOrigins } from './request-origin.ts';

/** An assertion with its certificates and much telemetry. */
const MAX_FORM_BYTES = 65_536;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export type OAuthServices = OwnOrigins & {
  readonly service: TokenService;
  readonly keys: Pick<SigningKeys, 'keySet'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

type OfTenant = { readonly Params: { readonly tenant: string } };

/** What MSAL and other clients of an authority ask: discovery, keys and tokens. Public by nature. */
export function oauthRoutes(app: Routes, services: OAuthServices): void {
  void app.register((scoped, _options, done) => {
    const routes = scoped as Routes;
    routes.setErrorHandler((error: { readonly statusCode?: number }, request, reply) => {
      if (error.statusCode !== undefined && error.statusCode < 500) {
        return reply.code(error.statusCode).send();
      }
      services.log.error({ error }, 'no access token could be given');
      return refuse(request, reply, services, TRANSIENT);
    });
    discoveryRoutes(routes, services);
    tokenRoute(routes, services);
    done();
  });
}

function discoveryRoutes(routes: Routes, services: OAuthServices): void {
  const { service, keys } = services;
  const discovery = (request: FastifyRequest<OfTenant>, reply: FastifyReply): unknown => {
    const { tenant } = request.params;
    if (!service.knowsTenant(tenant)) {
      const unknown = { ...grantError('tenant-unknown', { tenant }), error: 'invalid_tenant' };
      return refuse(request, reply, services, unknown);
    }
    // As the tokens spell it.
    return discoveryDocument(originOf(request, services), tenant.toLowerCase());
  };
  routes.get<OfTenant>('/:tenant/v2.0/.well-known/openid-configuration', discovery);
  routes.get<OfTenant>('/:tenant/.well-known/openid-configuration', discovery);

  routes.get('/:tenant/discovery/v2.0/keys', () => keys.keySet());
  routes.get('/:tenant/discovery/keys', () => keys.keySet());

  type Asked = { readonly Querystring: { readonly authorization_endpoint?: unknown } };
  routes.get<Asked>('/common/discovery/instance', (request, reply) => {
    const { authorization_endpoint: about } = request.query;
    const url = typeof about === 'string' && URL.canParse(about) ? new URL(about) : undefined;
    const tenant = url?.pathname.split('/')[1] ?? '';
    if (url === undefined || !isOwnUrl(url, services) || tenant === '') {
      return refuse(request, reply, services, invalidInstance());
    }
    return instanceDocument(url.origin, tenant);
  });
  routes.get('/:tenant/oauth2/v2.0/authorize', (request, reply) =>
    refuse(request, reply, services, unsupportedFlow()),
  );
}

function tokenRoute(routes: Routes, services: OAuthServices): void {
  routes.post<OfTenant>(
    '/:tenant/oauth2/v2.0/token',
    { bodyLimit: MAX_FORM_BYTES },
    async (request, reply) => {
      const { tenant } = request.params;
      const form = readGrantForm(request.body, request.headers.authorization);
      if ('repeated' in form) {
        return refuse(request, reply, services, repeatedParameter(form.repeated));
      }
      const grant = {
        ...form,
        tenant,
        issuer: issuerUrl(originOf(request, services), tenant.toLowerCase()),
        isAudience: (audience: string) => isTenantUrl(audience, tenant, services),
        peer: request.raw.socket.remoteAddress ?? '',
      };
      const granted = await services.service.grant(grant);
      if (!granted.ok) {
        const error = grantError(granted.defect, grant);
        const { clientId, peer } = grant;
        const fields = { applicationId: clientId?.slice(0, 100), peer, reason: granted.defect };
        services.log.warn(fields, 'an access token was refused');
        return refuse(request, reply, services, error);
      }
      return uncached(request, reply).send({
        token_type: 'Bearer',
        expires_in: granted.value.expiresInSeconds,
        ext_expires_in: granted.value.expiresInSeconds,
        access_token: granted.value.accessToken,
      });
    },
  );
}

/** The token endpoint or the issuer of the tenant: either may stand in an assertion (RFC 7523 §3). */
function isTenantUrl(audience: string, tenant: string, own: OwnOrigins): boolean {
  const url = URL.canParse(audience) ? new URL(audience) : undefined;
  if (url === undefined || !isOwnUrl(url, own)) return false;
  const path = url.pathname.toLowerCase().replace(/\/$/, '');
  return [`/${tenant}/oauth2/v2.0/token`, `/${tenant}/v2.0`].some(
    (one) => one.toLowerCase() === path,
  );
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  { clock, random }: OAuthServices,
  { status, error, code, text }: GrantError,
): FastifyReply {
  const timestamp = new Date(clock.nowMs())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
  const traceId = random.uuid();
  const correlationId = correlationOf(request) ?? random.uuid();
  const trail = `Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return uncached(request, reply)
    .code(status)
    .header('x-ms-request-id', traceId)
    .send({
      error,
      error_description: `AADSTS${code}: ${text} ${trail}`,
      error_codes: [code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
    });
}

/** Neither tokens nor refusals are for caches (RFC 6749 §5.1). */
function uncached(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const id = correlationOf(request);
  if (id !== undefined) reply.header('client-request-id', id);
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}

/** `client-request-id`, which MSAL puts into the query and others into a header. */
function correlationOf(request: FastifyRequest): string | undefined {
  const { 'client-request-id': inHeader } = request.headers;
  const { 'client-request-id': inQuery } = request.query as Readonly<Record<string, unknown>>;
  return [inHeader, inQuery].find((id) => typeof id === 'string' && GUID.test(id)) as
    string | undefined;
}
