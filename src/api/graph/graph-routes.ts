import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Principal } from '../../core/application.ts';
import type { BotCalls } from '../../core/ports/bot-calls.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { AccessTokenVerifier } from '../../identity/access-tokens.ts';
import type { CallbackUris } from '../acs/fields.ts';
import { pathOf } from '../origin-form.ts';
import type { Routes } from '../routes.ts';
import { callRoutes } from './call-routes.ts';
import { principalOf } from './graph-access.ts';
import { graphBody } from './graph-body.ts';
import { graphErrorBody, GraphFailure, toGraphError } from './graph-failure.ts';
import { mediaRoutes } from './media-routes.ts';
import { moveRoutes } from './move-routes.ts';
import { participantRoutes } from './participant-routes.ts';
import { unbuiltRoutes } from './unbuilt.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of requests to the Graph API, once their token is verified. */
    principal: Principal | null;
  }
}

export type GraphServices = {
  readonly bots: BotCalls;
  readonly accessTokens: AccessTokenVerifier;
  readonly callbackUris: CallbackUris;
  /** What absolute URLs in answers begin with, without a slash at the end. */
  readonly publicUrl: () => string;
  /** Of a body, packed or unpacked. */
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

const VERSIONS = ['/v1.0', '/beta'] as const;
const MAX_ID_CHARACTERS = 128;

/** The calls API of Microsoft Graph; paths are as `graphPath` gives them. */
export function graphRoutes(app: Routes, services: GraphServices): void {
  app.decorateRequest('principal', null);
  for (const prefix of VERSIONS) {
    void app.register(
      (scoped, _options, done) => {
        oneVersion(scoped.withTypeProvider<TypeBoxTypeProvider>(), prefix, services);
        done();
      },
      { prefix },
    );
  }
}

function oneVersion(routes: Routes, prefix: string, services: GraphServices): void {
  const { accessTokens, log, maxBodyBytes } = services;
  const fail = (error: unknown, reply: FastifyReply): FastifyReply => {
    const failure = toGraphError(error, log);
    if (failure.retryAfterSeconds !== undefined) {
      reply.header('retry-after', failure.retryAfterSeconds);
    }
    if (failure.status === 401) reply.header('www-authenticate', 'Bearer');
    const ids = {
      requestId: String(reply.getHeader('request-id')),
      clientRequestId: String(reply.getHeader('client-request-id')),
    };
    const body = graphErrorBody(failure, ids, services.clock.nowMs());
    return reply.code(failure.status).removeHeader('content-length').send(body);
  };
  routes.addHook('onRequest', (request, reply, done) => {
    sayWhichRequest(request, reply, services.random);
    done();
  });
  // Before the body is parsed or checked: strangers learn nothing about what a request needs.
  routes.addHook('preValidation', async (request) => {
    const { authorization, 'content-encoding': encoding } = request.headers;
    request.principal = await principalOf(authorization, accessTokens);
    request.body = await graphBody(request.body, encoding, maxBodyBytes);
  });
  routes.setErrorHandler((error, _request, reply) => fail(error, reply));
  routes.setNotFoundHandler((request, reply) => {
    sayWhichRequest(request, reply, services.random);
    const path = pathOf(request.originalUrl);
    const message = `No HTTP resource was found that matches the request URI: ${request.method} ${path}.`;
    return fail(new GraphFailure(404, 'UnknownError', message), reply);
  });
  const api = { ...services, version: prefix };
  callRoutes(routes, api);
  mediaRoutes(routes, api);
  moveRoutes(routes, api);
  participantRoutes(routes, api);
  unbuiltRoutes(routes, api);
}

/** What users are asked for when they ask for help, and bots put in their logs. */
function sayWhichRequest(request: FastifyRequest, reply: FastifyReply, random: Random): void {
  const requestId = random.uuid();
  const given = headerOf(request, 'client-request-id');
  const scenarioId = headerOf(request, 'scenario-id');
  reply.headers({
    'request-id': requestId,
    'client-request-id': given ?? requestId,
    ...(scenarioId !== undefined && { 'scenario-id': scenarioId }),
    'odata-version': '4.0',
  });
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value.length <= MAX_ID_CHARACTERS ? value : undefined;
}
