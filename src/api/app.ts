import type { RequestListener, Server } from 'node:http';
import { type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { TapedeckError } from '../core/error.ts';
import type { IdCodec } from '../core/ids.ts';
import type { CallService } from '../core/ports/call-service.ts';
import type { Logger } from '../core/ports/log.ts';
import type { AccessTokenVerifier } from '../identity/access-tokens.ts';
import type { AdminToken } from '../identity/admin-token.ts';
import type { CallbackTokens } from '../identity/callback-tokens.ts';
import type { HmacAuthenticator } from '../identity/hmac-authenticator.ts';
import type { NotificationTokens } from '../identity/notification-tokens.ts';
import type { SignedLinks } from '../identity/signed-links.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { controlRoutes } from './acs/call-control.ts';
import { connectionRoutes, offerRoutes } from './acs/call-connections.ts';
import { CallbackUris, IdFields } from './acs/fields.ts';
import { mediaRoutes } from './acs/media.ts';
import { openIdRoutes } from './acs/open-id.ts';
import { recordingRoutes, type RecordingRules } from './acs/recordings.ts';
import { streamingRoutes } from './acs/streaming.ts';
import { unbuiltRoutes } from './acs/unbuilt.ts';
import { splitVerb } from './acs/verbs.ts';
import { adminRoutes, type AdminServices } from './admin/admin-routes.ts';
import { confirmationRoutes } from './admin/subscriptions.ts';
import {
  authenticate,
  type Authenticator,
  byAccessKey,
  byAccessToken,
  byAdminToken,
  bySignedLink,
} from './authentication.ts';
import { contentRoutes } from './content/content-routes.ts';
import { responseRoutes } from './content/response-routes.ts';
import { contentErrorBody, errorBody } from './error-body.ts';
import { toFailure } from './failure.ts';
import { graphPath } from './graph/graph-path.ts';
import { graphRoutes } from './graph/graph-routes.ts';
import { notificationKeyRoutes } from './graph/notification-keys.ts';
import { oauthRoutes, type OAuthServices } from './oauth/oauth-routes.ts';
import { originForm, pathOf } from './origin-form.ts';
import { keepBodyRaw, parseBody } from './request-body.ts';
import type { Repeatability } from './repeatability.ts';
import type { Routes } from './routes.ts';

/** Far more than the largest documented request. */
const MAX_BODY_BYTES = 1_048_576;
/** Ids in paths are long; Node caps the whole URL. */
const MAX_PATH_PARAMETER_CHARACTERS = 4_096;
const CONTENT_PREFIX = '/v1/objects/';

export type ApiServices = {
  readonly calls: CallService;
  readonly ids: IdCodec;
  readonly hmac: HmacAuthenticator;
  readonly adminToken: AdminToken;
  readonly accessTokens: AccessTokenVerifier;
  /** `undefined`: a provider of somebody else's gives the tokens. */
  readonly tokenService: OAuthServices | undefined;
  readonly links: SignedLinks;
  readonly callbackTokens: CallbackTokens;
  readonly notificationTokens: Pick<NotificationTokens, 'keys' | 'openIdConfiguration'>;
  readonly repeatability: Repeatability;
  readonly recordings: RecordingRules;
  readonly admin: Omit<AdminServices, 'links' | 'publicUrl' | 'callbackUris' | 'ids' | 'log'>;
  /** Whether callbacks and events may go to this IP address. */
  readonly permitsAddress: (address: string) => boolean;
  /** What absolute URLs in answers begin with, without a slash at the end. */
  readonly publicUrl: () => string;
  readonly log: Logger;
};

/** Every public route, on a server that the caller made. */
export function buildApp(
  services: ApiServices,
  makeServer: (handle: RequestListener) => Server,
): Routes {
  const app: Routes = fastify({
    serverFactory: (handle) => makeServer(handle),
    rewriteUrl: (request) => graphPath(splitVerb(originForm(request.url ?? '/'))),
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_CHARACTERS },
    // Requests that wait for the end of a close are answered, not refused with an empty body.
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (_error, request, reply) => {
      const badUrl = new TapedeckError('argument-invalid', 'The URL is not valid.', {
        field: 'URL',
      });
      void fail(badUrl, request, reply, services.log);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  keepBodyRaw(app);
  app.decorateRequest('actor', '');
  app.addHook('onRequest', (request, reply, done) => {
    echoRequestId(request, reply);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, originalUrl } = request;
    // Without the query, which may hold the signature of a link.
    const fields = { method, path: pathOf(originalUrl), status: reply.statusCode };
    services.log.debug({ ...fields, durationMs: reply.elapsedTime }, 'request answered');
    done();
  });
  app.setErrorHandler((error, request, reply) => fail(error, request, reply, services.log));
  app.setNotFoundHandler((request, reply) =>
    fail(
      Object.assign(new Error(`Nothing is at ${request.method} ${pathOf(request.originalUrl)}.`), {
        code: 'NOT_FOUND',
        statusCode: 404,
      }),
      request,
      reply,
      services.log,
    ),
  );

  const byKey = byAccessKey(services.hmac);
  const byToken = byAccessToken(services.accessTokens);
  const ids = new IdFields(services.ids);
  const callbackUris = new CallbackUris(services.permitsAddress);
  const { calls, repeatability } = services;
  scope(app, [byKey, byToken], (routes) => {
    offerRoutes(routes, calls, callbackUris, repeatability);
    connectionRoutes(routes, calls, ids, repeatability);
    recordingRoutes(routes, calls, ids, callbackUris, repeatability, services.recordings);
    controlRoutes(routes, calls.control, ids, callbackUris, repeatability);
    mediaRoutes(routes, calls.operations, ids, callbackUris, repeatability);
    streamingRoutes(routes, calls.operations, ids, callbackUris);
    unbuiltRoutes(routes);
  });
  scope(app, [bySignedLink(services.links), byKey, byToken], (routes) => {
    contentRoutes(routes, calls.content, services.log);
  });
  scope(app, [byKey, byAdminToken(services.adminToken)], (routes) => {
    const { links, publicUrl } = services;
    const { admin, log } = services;
    adminRoutes(routes, { ...admin, links, publicUrl, callbackUris, ids, log }, calls);
  });
  graphRoutes(app, {
    bots: calls.bots,
    accessTokens: services.accessTokens,
    callbackUris,
    publicUrl: services.publicUrl,
    maxBodyBytes: MAX_BODY_BYTES,
    clock: services.admin.clock,
    random: systemRandom,
    log: services.log,
  });
  responseRoutes(app, calls.responses);
  confirmationRoutes(app, services.admin.subscriptions);
  notificationKeyRoutes(app, services.notificationTokens, services.publicUrl);
  openIdRoutes(app, services.callbackTokens, services.publicUrl);
  if (services.tokenService !== undefined) oauthRoutes(app, services.tokenService);
  return app;
}

/** Routes that only authenticated requests reach. */
function scope(
  app: Routes,
  authenticators: readonly Authenticator[],
  add: (routes: Routes) => void,
): void {
  void app.register((routes, _options, done) => {
    // Before the body is parsed or checked: strangers learn nothing about what a request needs.
    routes.addHook('preValidation', async (request) => {
      request.actor = await authenticate(request, authenticators);
      request.body = parseBody(request.body);
    });
    add(routes.withTypeProvider<TypeBoxTypeProvider>());
    done();
  });
}

/** `x-ms-client-request-id`, which support asks users for. */
function echoRequestId(request: FastifyRequest, reply: FastifyReply): void {
  const id = request.headers['x-ms-client-request-id'];
  if (typeof id === 'string' && id.length <= 256) reply.header('x-ms-client-request-id', id);
}

function fail(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const failure = toFailure(error, log);
  const path = pathOf(request.originalUrl);
  if (failure.retryAfterSeconds !== undefined) {
    reply.header('retry-after', failure.retryAfterSeconds);
  }
  const body = path.startsWith(CONTENT_PREFIX)
    ? contentErrorBody(failure, path)
    : errorBody(failure);
  return reply.code(failure.status).removeHeader('content-length').send(body);
}
