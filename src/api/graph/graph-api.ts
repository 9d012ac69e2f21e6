import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { Principal } from '../../core/application.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { OfBot, Resource } from '../../core/ports/bot-calls.ts';
import type { GraphServices } from './graph-routes.ts';

/** One version of the API. */
export type GraphApi = GraphServices & {
  /** `/v1.0` or `/beta`. */
  readonly version: string;
};

/** Of every path below a call. */
export const CallParams: Type.TObject<{ call: Type.TString }> = Type.Object({
  call: Type.String(),
});

/** The client's own string, which comes back with the end of an operation. */
export const ClientContext: Type.TOptional<Type.TString> = Type.Optional(
  Type.String({ maxLength: 256 }),
);

/** What operations without any other field take. */
export const ContextBody: Type.TObject<{ clientContext: Type.TOptional<Type.TString> }> =
  Type.Object({ clientContext: ClientContext });

/** Takes no body for an empty one. */
export function allowNoBody(request: FastifyRequest, _reply: unknown, done: () => void): void {
  request.body ??= {};
  done();
}

export function principalFrom(request: FastifyRequest): Principal {
  // The hook of the scope has set it, or the request has not come here.
  if (request.principal !== null) return request.principal;
  throw new TapedeckError('internal', 'A request came past its authentication.');
}

/** Which call, and who asks. */
export function ofBot(request: FastifyRequest<{ Params: Static<typeof CallParams> }>): OfBot {
  return {
    principal: principalFrom(request),
    callId: request.params.call as CallConnectionId,
  };
}

export function contextOf(body: Static<typeof ContextBody>): { readonly clientContext?: string } {
  const { clientContext } = body;
  return clientContext === undefined ? {} : { clientContext };
}

/** Address of a resource, as `Location` has it. */
export function locationOf(api: GraphApi, callId: string, rest = ''): string {
  return `${api.publicUrl()}${api.version}/communications/calls/${callId}${rest}`;
}

/** An operation as the answer to the request that began it. */
export function sendOperation(
  reply: FastifyReply,
  api: GraphApi,
  callId: string,
  operation: Resource,
  status = 200,
): FastifyReply {
  reply.header('location', locationOf(api, callId, `/operations/${String(operation['id'])}`));
  return reply.code(status).send(operation);
}

/** Accepted, or done; there is nothing more to say. */
export function sendNothing(reply: FastifyReply, status: 200 | 202 | 204): FastifyReply {
  return reply.code(status).send();
}
