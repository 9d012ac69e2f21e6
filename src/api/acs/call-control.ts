import { Type } from 'typebox';
import type { CallControl } from '../../core/ports/call-control.ts';
import type { ConnectionProperties, StoredAnswer } from '../../core/ports/call-service.ts';
import type { Repeatability } from '../repeatability.ts';
import { jsonAnswer, type Routes, send } from '../routes.ts';
import { CallLocatorSchema, locatedBy } from './call-locator.ts';
import { toConnectionBody } from './call-models.ts';
import { customHeaders, CustomCallingContextSchema } from './custom-headers.ts';
import { type CallbackUris, type IdFields, MAX_URI_CHARACTERS, refuseUnbuilt } from './fields.ts';
import {
  checkedNumber,
  IdentifierSchema,
  PhoneNumberSchema,
  toIdentifier,
  toNamed,
} from './identifiers.ts';
import { mediaStreamingOf, MediaStreamingSchema } from './media-streaming-options.ts';
import {
  ConnectionParams,
  OPERATION_FIELDS,
  operationAnswer,
  OperationFields,
  Query,
} from './operation-fields.ts';
import { participantRoutes } from './participants.ts';
import { PlaySourceSchema, toPlaySource } from './play-source.ts';

const ConnectBody = Type.Object({
  callLocator: CallLocatorSchema,
  callbackUri: Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS }),
  operationContext: OPERATION_FIELDS.operationContext,
  mediaStreamingOptions: Type.Optional(MediaStreamingSchema),
});
const TransferBody = Type.Object({
  targetParticipant: IdentifierSchema,
  transferee: Type.Optional(IdentifierSchema),
  sourceCallerIdNumber: Type.Optional(PhoneNumberSchema),
  customCallingContext: Type.Optional(CustomCallingContextSchema),
  ...OPERATION_FIELDS,
});
const HoldBody = Type.Object({
  targetParticipant: IdentifierSchema,
  playSourceInfo: Type.Optional(PlaySourceSchema),
  ...OPERATION_FIELDS,
});
const UnholdBody = Type.Object({ targetParticipant: IdentifierSchema, ...OPERATION_FIELDS });

/** Nothing to say; the SDKs know no other status here. */
const DONE: StoredAnswer = { status: 200, body: '' };

/** Connecting to calls, transfer, hold, and what is done with participants. */
export function controlRoutes(
  routes: Routes,
  control: CallControl,
  ids: IdFields,
  callbackUris: CallbackUris,
  repeatability: Repeatability,
): void {
  const path = '/calling/callConnections/:connection';
  const schema = { params: ConnectionParams, querystring: Query };
  const fields = new OperationFields(ids, callbackUris);
  participantRoutes(routes, control, fields, repeatability);

  routes.post(
    '/calling/callConnections/~connect',
    { schema: { querystring: Query, body: ConnectBody } },
    async (request, reply) => {
      const { body } = request;
      refuseUnbuilt(body, ['transcriptionOptions']);
      const { operationContext } = body;
      const command = {
        call: locatedBy(body.callLocator, ids),
        callbackUri: callbackUris.check(body.callbackUri, 'callbackUri'),
        ...(operationContext !== undefined && { operationContext }),
        ...mediaStreamingOf(body, callbackUris),
        apiVersion: request.query['api-version'],
      };
      const answer = await repeatability.once('connect', request.headers, connected, (repeat) =>
        control.connect({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    `${path}/~transferToParticipant`,
    { schema: { ...schema, body: TransferBody } },
    async (request, reply) => {
      const { body } = request;
      const { transferee, sourceCallerIdNumber: caller } = body;
      const command = {
        ...fields.read(request.params.connection, body),
        target: toIdentifier(body.targetParticipant, 'targetParticipant'),
        ...(transferee && { transferee: toNamed(transferee, 'transferee') }),
        ...(caller && {
          sourceCallerIdNumber: checkedNumber(
            caller.value,
            'sourceCallerIdNumber.value',
          ).rawId.slice(2),
        }),
        headers: customHeaders(body.customCallingContext),
      };
      const answer = await repeatability.once(
        `transfer ${command.callConnectionId}`,
        request.headers,
        () => operationAnswer(202, body),
        (repeat) => control.transfer({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    `${path}/~hold`,
    { schema: { ...schema, body: HoldBody } },
    async (request, reply) => {
      const { body } = request;
      const source = body.playSourceInfo;
      await control.hold({
        ...fields.read(request.params.connection, body),
        participant: toNamed(body.targetParticipant, 'targetParticipant'),
        ...(source && { playSource: toPlaySource(source, 'playSourceInfo') }),
      });
      return send(reply, DONE);
    },
  );

  routes.post(
    `${path}/~unhold`,
    { schema: { ...schema, body: UnholdBody } },
    async (request, reply) => {
      const { body } = request;
      await control.unhold({
        ...fields.read(request.params.connection, body),
        participant: toNamed(body.targetParticipant, 'targetParticipant'),
      });
      return send(reply, DONE);
    },
  );
}

const connected = (properties: ConnectionProperties): StoredAnswer =>
  jsonAnswer(200, toConnectionBody(properties));
