import { Type } from 'typebox';
import { communicationUser, type Identifier } from '../../core/identifier.ts';
import type { IncomingCallContext } from '../../core/ids.ts';
import type {
  CallService,
  ConnectionProperties,
  StoredAnswer,
} from '../../core/ports/call-service.ts';
import type { Repeatability } from '../repeatability.ts';
import { jsonAnswer, NO_CONTENT, type Routes, send } from '../routes.ts';
import { toConnectionBody, toParticipantBody } from './call-models.ts';
import {
  type CallbackUris,
  type IdFields,
  MAX_OPERATION_CONTEXT_CHARACTERS,
  MAX_TOKEN_CHARACTERS,
  MAX_URI_CHARACTERS,
  oneOf,
  refuseUnbuilt,
} from './fields.ts';
import {
  checkedNumber,
  toIdentifier,
  CommunicationUserSchema,
  type IdentifierInput,
  IdentifierSchema,
  PhoneNumberSchema,
} from './identifiers.ts';
import { mediaStreamingOf, MediaStreamingSchema } from './media-streaming-options.ts';

/** The vendor's limit of a call. */
export const MAX_PARTICIPANTS = 350;
/** Options of operations that are not built. */
const UNBUILT_FIELDS = ['transcriptionOptions', 'teamsAppSource'];

const Query = Type.Object({ 'api-version': Type.String({ minLength: 1, maxLength: 64 }) });
const Uri = Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS });
const OperationContext = Type.String({ maxLength: MAX_OPERATION_CONTEXT_CHARACTERS });
const Context = Type.String({ minLength: 1, maxLength: MAX_TOKEN_CHARACTERS });

const CreateBody = Type.Object({
  targets: Type.Array(IdentifierSchema, { minItems: 1, maxItems: MAX_PARTICIPANTS }),
  callbackUri: Uri,
  sourceCallerIdNumber: Type.Optional(PhoneNumberSchema),
  sourceDisplayName: Type.Optional(Type.String({ maxLength: 256 })),
  // The model is a communication user, `{id}`; a whole identifier says the same.
  source: Type.Optional(
    Type.Intersect([
      IdentifierSchema,
      Type.Object({ id: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })) }),
    ]),
  ),
  operationContext: Type.Optional(OperationContext),
  mediaStreamingOptions: Type.Optional(MediaStreamingSchema),
});
const AnswerBody = Type.Object({
  incomingCallContext: Context,
  callbackUri: Uri,
  operationContext: Type.Optional(OperationContext),
  answeredBy: Type.Optional(CommunicationUserSchema),
  mediaStreamingOptions: Type.Optional(MediaStreamingSchema),
});
const RedirectBody = Type.Object({ incomingCallContext: Context, target: IdentifierSchema });
const RejectBody = Type.Object({
  incomingCallContext: Context,
  callRejectReason: Type.Optional(Type.String({ maxLength: 32 })),
});
const ConnectionParams = Type.Object({ connection: Type.String() });
const ParticipantParams = Type.Object({ connection: Type.String(), participant: Type.String() });

/** Create, answer, redirect and reject calls. */
export function offerRoutes(
  routes: Routes,
  calls: CallService,
  callbackUris: CallbackUris,
  repeatability: Repeatability,
): void {
  routes.post(
    '/calling/callConnections',
    { schema: { body: CreateBody, querystring: Query } },
    async (request, reply) => {
      const { body } = request;
      refuseUnbuilt(body, UNBUILT_FIELDS);
      const caller = body.sourceCallerIdNumber;
      const command = {
        targets: body.targets.map((target, index) => toIdentifier(target, `targets[${index}]`)),
        callbackUri: callbackUris.check(body.callbackUri, 'callbackUri'),
        ...(caller && {
          sourceCallerIdNumber: checkedNumber(
            caller.value,
            'sourceCallerIdNumber.value',
          ).rawId.slice(2),
        }),
        ...pick(body, 'sourceDisplayName', 'operationContext'),
        ...(body.source && { source: toSource(body.source) }),
        ...mediaStreamingOf(body, callbackUris),
        apiVersion: request.query['api-version'],
      };
      const answer = await repeatability.once('createCall', request.headers, created, (repeat) =>
        calls.createCall({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    '/calling/callConnections/~answer',
    { schema: { body: AnswerBody, querystring: Query } },
    async (request, reply) => {
      const { body } = request;
      refuseUnbuilt(body, UNBUILT_FIELDS);
      const command = {
        incomingCallContext: body.incomingCallContext as IncomingCallContext,
        callbackUri: callbackUris.check(body.callbackUri, 'callbackUri'),
        ...pick(body, 'operationContext'),
        ...(body.answeredBy && { answeredBy: communicationUser(body.answeredBy.id) }),
        ...mediaStreamingOf(body, callbackUris),
        apiVersion: request.query['api-version'],
      };
      const answer = await repeatability.once('answer', request.headers, connected, (repeat) =>
        calls.answer({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    '/calling/callConnections/~redirect',
    { schema: { body: RedirectBody, querystring: Query } },
    async (request, reply) => {
      const command = {
        incomingCallContext: request.body.incomingCallContext as IncomingCallContext,
        target: toIdentifier(request.body.target, 'target'),
      };
      const answer = await repeatability.once('redirect', request.headers, nothing, (repeat) =>
        calls.redirect({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    '/calling/callConnections/~reject',
    { schema: { body: RejectBody, querystring: Query } },
    async (request, reply) => {
      const given = request.body.callRejectReason ?? 'none';
      const command = {
        incomingCallContext: request.body.incomingCallContext as IncomingCallContext,
        reason: oneOf(['none', 'busy', 'forbidden'] as const, given, 'callRejectReason'),
      };
      const answer = await repeatability.once('reject', request.headers, nothing, (repeat) =>
        calls.reject({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );
}

/** What an application does with a call it holds. */
export function connectionRoutes(
  routes: Routes,
  calls: CallService,
  ids: IdFields,
  repeatability: Repeatability,
): void {
  const schema = { params: ConnectionParams, querystring: Query };

  routes.get('/calling/callConnections/:connection', { schema }, async (request) =>
    toConnectionBody(await calls.connection(ids.callConnection(request.params.connection))),
  );

  routes.delete('/calling/callConnections/:connection', { schema }, async (request, reply) => {
    await calls.hangUp(ids.callConnection(request.params.connection));
    return send(reply, NO_CONTENT);
  });

  routes.post(
    '/calling/callConnections/:connection/~terminate',
    { schema },
    async (request, reply) => {
      const callConnectionId = ids.callConnection(request.params.connection);
      const operation = `terminate ${callConnectionId}`;
      const answer = await repeatability.once(operation, request.headers, nothing, (repeat) =>
        calls.terminate({ callConnectionId, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.get('/calling/callConnections/:connection/participants', { schema }, async (request) => {
    const all = await calls.participants(ids.callConnection(request.params.connection));
    return { value: all.map(toParticipantBody) };
  });

  routes.get(
    '/calling/callConnections/:connection/participants/:participant',
    { schema: { params: ParticipantParams, querystring: Query } },
    async (request) => {
      const { connection, participant } = request.params;
      return toParticipantBody(
        await calls.participant(ids.callConnection(connection), participant),
      );
    },
  );
}

const created = (properties: ConnectionProperties): StoredAnswer =>
  jsonAnswer(201, toConnectionBody(properties));
const connected = (properties: ConnectionProperties): StoredAnswer =>
  jsonAnswer(200, toConnectionBody(properties));
const nothing = (): StoredAnswer => NO_CONTENT;

function toSource(source: IdentifierInput & { id?: string }): Identifier {
  return source.id === undefined ? toIdentifier(source, 'source') : communicationUser(source.id);
}

/** The named fields that are there, without `undefined` ones. */
function pick<Body extends object, Key extends keyof Body>(
  body: Body,
  ...keys: readonly Key[]
): { [K in Key]?: Exclude<Body[K], undefined> } {
  return Object.fromEntries(
    keys.filter((key) => body[key] !== undefined).map((key) => [key, body[key]]),
  ) as { [K in Key]?: Exclude<Body[K], undefined> };
}
